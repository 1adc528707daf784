package main

import (
	"testing"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/severity"
)

func TestAlertsFilter(t *testing.T) {
	a := alert.Alert{Severity: severity.High}
	a.Workload = alert.Workload{Namespace: "shop", Kind: "Deployment", Name: "webapp"}
	tests := map[string]struct {
		options alertsOptions
		want    bool
	}{
		"anything":          {alertsOptions{}, true},
		"as severe":         {alertsOptions{severity: "high"}, true},
		"more severe":       {alertsOptions{severity: "critical"}, false},
		"the workload":      {alertsOptions{workload: "shop/Deployment/webapp"}, true},
		"any kind":          {alertsOptions{workload: "//webapp"}, true},
		"another workload":  {alertsOptions{workload: "shop/Deployment/blog"}, false},
		"another namespace": {alertsOptions{workload: "blog/Deployment/webapp"}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := tt.options
			o.since = time.Hour
			if o.severity == "" {
				o.severity = "low"
			}
			wanted, err := o.filter()
			if err != nil {
				t.Fatal(err)
			}
			if got := wanted(&a); got != tt.want {
				t.Errorf("wanted: %t, want %t", got, tt.want)
			}
		})
	}
}
