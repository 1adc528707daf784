package agent

import (
	"time"

	"bobwatch/internal/event"
	"bobwatch/internal/learner"
	"bobwatch/internal/severity"
	"bobwatch/internal/status"
)

// An agent that is installed beside running containers learns them without
// their start, and what runs for as long as it is learned has not shown how it
// ends. The first start and the first end that are seen after that would be
// taken for attacks; so they are learned, although the container is guarded,
// for firstTimeGrace, and but for what is graded high or critical.
const firstTimeGrace = time.Minute

// starts begins to learn the first start.
func (b *behaviour) starts(in *instance) {
	state, learned := b.guardedByItself()
	if learned && !state.StartSeen && !in.container.Running {
		b.learner.SawStart()
		b.startsUntil = sinceBoot() + firstTimeGrace.Nanoseconds()
	}
}

// ends begins to learn the first end, of an instance that was told to.
func (b *behaviour) ends(in *instance) {
	in.ending = true
	if state, learned := b.guardedByItself(); learned && !state.EndSeen {
		b.learner.SawEnd()
		b.endsUntil = sinceBoot() + firstTimeGrace.Nanoseconds()
	}
}

// guardedByItself reports whether b is guarded by what was learned of it.
func (b *behaviour) guardedByItself() (learner.State, bool) {
	state := b.learner.State(time.Now())
	return state, b.state == status.Guarded && state.Guarded && b.settings.Document == ""
}

// learnFirstTime reports whether ev was learned as part of a first start or end.
func (e *engine) learnFirstTime(in *instance, ev *event.Event) bool {
	b := in.behaviour
	at := int64(ev.Time)
	if (in.container.Running || at >= b.startsUntil) && (!in.ending || at >= b.endsUntil) {
		return false
	}
	d, deviates := e.judge.Check(ev, b.matcher, in.facts)
	if !deviates || d.Severity >= severity.High {
		return false
	}
	if b.learner.Observe(ev) {
		e.changed[b] = struct{}{}
		b.stale = true
	}
	return true
}
