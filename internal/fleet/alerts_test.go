package fleet

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
		options Alerts
		want    bool
	}{
		"anything":          {Alerts{}, true},
		"as severe":         {Alerts{Severity: "high"}, true},
		"more severe":       {Alerts{Severity: "critical"}, false},
		"the workload":      {Alerts{Workload: "shop/Deployment/webapp"}, true},
		"any kind":          {Alerts{Workload: "//webapp"}, true},
		"another workload":  {Alerts{Workload: "shop/Deployment/blog"}, false},
		"another namespace": {Alerts{Workload: "blog/Deployment/webapp"}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := tt.options
			o.Since = time.Hour
			if o.Severity == "" {
				o.Severity = "low"
			}
			wanted, err := o.Filter()
			if err != nil {
				t.Fatal(err)
			}
			if got := wanted(&a); got != tt.want {
				t.Errorf("wanted: %t, want %t", got, tt.want)
			}
		})
	}
}
