package agent

import (
	"time"

	"bobwatch/internal/event"
	"bobwatch/internal/severity"
	"bobwatch/internal/status"
)

// beginStartup learns what a container does when it starts, if that was never
// seen: an agent that is installed beside running containers learns them
// without it, and would take every first restart for an attack. What is graded
// high or critical is never learned so.
func (b *behaviour) beginStartup(in *instance) {
	state := b.learner.State(time.Now())
	if b.state != status.Guarded || in.container.Running || state.StartSeen || !state.Guarded || b.settings.Document != "" {
		return
	}
	b.learner.SawStart()
	b.startupUntil = uint64(sinceBoot() + startupGrace.Nanoseconds())
}

// startupGrace is how long a container that starts for the first time is
// learned although it is guarded.
const startupGrace = time.Minute

// learnStartup reports whether ev was learned as part of a first start.
func (e *engine) learnStartup(b *behaviour, ev *event.Event) bool {
	if ev.Time >= b.startupUntil {
		return false
	}
	d, deviates := e.detector.Check(ev, b.matcher)
	if !deviates || d.Severity >= severity.High {
		return false
	}
	if b.learner.Observe(ev) {
		e.changed[b] = struct{}{}
		b.stale = true
	}
	return true
}
