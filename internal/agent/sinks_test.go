package agent

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/config"
)

// TestAlertsOutliveTheAgent: a webhook is down while something happens, and the
// agent is stopped before it is back. What a silence covers goes nowhere.
func TestAlertsOutliveTheAgent(t *testing.T) {
	c := testConfig(t)
	received := make(chan alert.Alert, 100)
	down := atomic.Bool{}
	down.Store(true)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var a alert.Alert
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		} else if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
			t.Errorf("body: %v", err)
		} else {
			received <- a
		}
	}))
	defer hook.Close()
	c.Alerts.Sinks = []config.Sink{{Name: "hook", Webhook: &config.Webhook{URL: hook.URL}}}
	c.Alerts.Silences = []config.Silence{{
		Path: resolved(t, "rev"), Reason: "tested", Expires: config.Time{Time: time.Now().Add(time.Hour)},
	}}
	first := start(t, c)
	v := newVictim(t)
	v.sh(t, benign)
	first.learned(v)
	v.sh(t, "rev /etc/hostname >/dev/null; tac /etc/hostname >/dev/null")
	first.await("execution of tac", isExec(resolved(t, "tac")))
	if silenced := `bobwatch_deviations_silenced_total{rule="R0001",severity="medium"} 1`; !strings.Contains(first.get("/metrics"), silenced) {
		t.Errorf("/metrics lacks %s", silenced)
	}
	first.stop()

	down.Store(false)
	start(t, c)
	timeout := time.After(patience)
	for {
		select {
		case a := <-received:
			if isExec(resolved(t, "rev"))(&a) {
				t.Error("what is silenced was told")
			}
			if isExec(resolved(t, "tac"))(&a) {
				return
			}
		case <-timeout:
			t.Fatal("the alert has not arrived after the restart")
		}
	}
}
