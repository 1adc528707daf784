package notice

import (
	"strings"
	"testing"

	"bobwatch/internal/alert"
	"bobwatch/internal/rule"
	"bobwatch/internal/sensor"
	"bobwatch/internal/severity"
)

func TestHeldAlert(t *testing.T) {
	subject := alert.Subject{Workload: alert.Workload{Name: "web\n"}, Container: alert.Container{ID: "c1"}}
	about := About{Node: "node", Name: "web\n", Subject: &subject}
	tests := map[string]struct {
		held sensor.Held
		want severity.Severity
	}{
		"other acts":   {sensor.Held{News: 3}, severity.Medium},
		"an execution": {sensor.Held{News: 3, Execs: 1}, severity.High},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := Held(about, tt.held)
			if a.Severity != tt.want || a.Count != tt.held.News+tt.held.Execs || a.Rule != rule.HeldBack || a.Workload.Name == "web\n" {
				t.Errorf("alert %+v", a)
			}
		})
	}
}

func TestUnwatched(t *testing.T) {
	subject := alert.Subject{Container: alert.Container{ID: "c\n1"}}
	a := Unwatched(About{Node: "node", Name: "c1", Subject: &subject})
	if a.Rule != rule.WatchedLate || a.Severity != severity.High || a.Container.ID == "c\n1" || strings.Contains(a.Message, "\n") {
		t.Errorf("alert %+v", a)
	}
	if a.Fingerprint == Unwatched(About{Node: "node", Name: "c2", Subject: &subject}).Fingerprint {
		t.Error("two containers are one incident")
	}
}
