package delivery

import (
	"testing"
	"testing/synctest"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/severity"
)

// An execution and the system call that it began with are one act; a call that
// no execution followed is reported.
func TestExecveWaitsForItsExecution(t *testing.T) {
	process := []alert.ProcessKey{{PID: 4711}, {PID: 4710}}
	call := alert.Alert{ID: "c1", Lineage: process, Deviation: alert.Deviation{Syscall: &alert.Syscall{Name: "execve"}}}
	executed := alert.Alert{Lineage: process, Deviation: alert.Deviation{Exec: &alert.Exec{}}}
	other := executed
	other.Lineage = []alert.ProcessKey{{PID: 1}}
	now := time.Now()
	var c calls
	if !c.hold(&call, now) || c.hold(&executed, now) {
		t.Fatal("a call of execve waits, and nothing else does")
	}
	if c.executed(&other); len(c.waiting) != 1 {
		t.Error("an execution by another process takes the call along")
	}
	if got := c.due(now, false); len(got) != 0 {
		t.Errorf("due at once: got %d", len(got))
	}
	if c.executed(&executed); len(c.waiting) != 0 {
		t.Error("the execution leaves the call waiting")
	}
	for range 2 * maxCalls {
		c.hold(&call, now)
	}
	if got := c.due(now.Add(execPatience), false); len(got) != maxCalls || got[0].ID != call.ID {
		t.Errorf("calls without an execution: got %d, want %d", len(got), maxCalls)
	}
}

// oneIncident is a Correlator with one incident, which is due once.
type oneIncident struct{ acts, closed int }

func (o *oneIncident) Add(a *alert.Alert, _ time.Time) *alert.Alert {
	o.acts++
	a.Incident = "i1"
	return nil
}

func (o *oneIncident) Due(_ time.Time, end bool) []*alert.Alert {
	if !end {
		return nil
	}
	return []*alert.Alert{{ID: "i1", Incident: "i1", Story: &alert.Story{}}}
}

func (o *oneIncident) Unsent(time.Time) bool { return o.acts > 0 }

func (o *oneIncident) Close() error { o.closed++; return nil }

// A sink is sent incidents or single alerts, and each act is counted once.
func TestIncidentRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		people, parser := &recorder{name: "people"}, &recorder{name: "parser"}
		incidents := &oneIncident{}
		opts := DefaultOptions()
		opts.Routes = []Route{{Sink: people, Incidents: true}, {Sink: parser}}
		opts.Correlator = incidents
		d, stop := start(t, opts)
		for _, name := range []string{"a", "b", "a"} {
			d.Enqueue(raised("web", name, severity.High))
		}
		stop()
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if len(people.got) != 1 || people.got[0].Story == nil {
			t.Errorf("a sink of incidents: got %+v, want the one incident", people.got)
		}
		alerts := map[string]uint64{}
		for _, a := range parser.got {
			if a.Story != nil || a.Incident != "i1" {
				t.Errorf("a sink of alerts: got %+v", a)
			}
			alerts[a.Fingerprint] = a.Count
		}
		if len(alerts) != 2 || alerts["web/a"] != 2 || incidents.acts != 3 || incidents.closed != 1 {
			t.Errorf("alerts: got %v, %d acts, closed %d times", alerts, incidents.acts, incidents.closed)
		}
	})
}
