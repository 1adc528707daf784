package agent

import (
	"bobwatch/internal/agent/metrics"
)

// reading returns the values of the metrics at this moment.
func (e *engine) reading() *metrics.Reading {
	w := e.workloads
	r := &metrics.Reading{
		Version:       Version,
		Ready:         e.health.detecting() == nil,
		Counters:      e.metrics,
		Accounts:      w.accounts.All(),
		Lookups:       e.watcher.resolver.Stats(),
		Processes:     e.watcher.processes.Len(),
		Evicted:       e.watcher.processes.Evicted(),
		StoreFailures: w.store.Failures(),
	}
	r.Sensor, r.SensorErr = e.watcher.Stats()
	r.JournalFailures, _ = w.journal.Failures()
	r.JournalSkipped = w.journal.Skipped()
	if hooks := e.health.hooks.Load(); hooks != nil {
		r.Hooks = *hooks
	}
	return r
}
