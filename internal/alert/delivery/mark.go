package delivery

import "time"

// Mark stands for the alerts that were raised before it. See [Dispatcher.Kept].
type Mark struct {
	at     time.Time
	queued []uint64 // alerts that each delivery was handed; nil while some wait before that
}

// Mark returns a mark behind the alerts that were raised so far.
func (d *Dispatcher) Mark() Mark { return Mark{at: time.Now()} }

// Kept reports whether every alert before the mark outlives the process: each
// sink has it, or its queue on disk does, or it was counted as dropped. A count
// that is to be sent with an alert, or in a summary, is not waited for.
func (d *Dispatcher) Kept(m *Mark) bool {
	d.mu.Lock()
	if m.queued == nil && !d.waits(m.at) {
		m.queued = make([]uint64, len(d.deliveries))
		for i, delivery := range d.deliveries {
			m.queued[i] = delivery.queued
		}
	}
	d.mu.Unlock()
	if m.queued == nil {
		return false
	}
	for i, delivery := range d.deliveries {
		if delivery.kept.Load() < m.queued[i] {
			return false
		}
	}
	return true
}

// waits reports whether an alert that was raised by then was not handed to the
// sinks yet: a call that waits for its execution, or an incident that was never
// sent. The caller holds mu.
func (d *Dispatcher) waits(then time.Time) bool {
	if d.calls.waits(then) {
		return true
	}
	if d.opts.Correlator == nil {
		return false
	}
	for _, delivery := range d.deliveries {
		if delivery.route.Incidents {
			return d.opts.Correlator.Unsent(then)
		}
	}
	return false
}
