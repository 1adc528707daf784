package metrics

import (
	"time"

	"bobwatch/internal/rule"
	"bobwatch/internal/sensor"
	"bobwatch/internal/severity"
)

// Example is a reading with something of everything, for the reference in
// docs/metrics.md.
func Example() *Reading {
	r := &Reading{
		Sensor: sensor.Stats{Programs: map[string]sensor.Program{
			"handle_exec": {Runs: 1, RunTime: time.Microsecond},
		}},
		Hooks:    []sensor.Hook{{Name: "handle_exec"}},
		Counters: &Counters{},
		Accounts: []*Account{newAccount("shop", "web")},
	}
	r.Counters.SelfTest.Store(1)
	r.Counters.LastEvent.Store(1)
	web := r.Accounts[0]
	web.SetProgress(0)
	for _, r := range rule.All() {
		for s := r.Severity; s <= severity.Critical; s++ {
			web.deviations.Add(r.ID, s, 1)
			web.alerts.Add(r.ID, s, 1)
		}
	}
	return r
}
