package behaviour

import (
	"time"

	"bobwatch/internal/event"
	"bobwatch/internal/learner"
	"bobwatch/internal/severity"
	"bobwatch/internal/status"
)

// An agent that is installed next to running containers learns them without
// their start, and a container that outlives its learning window has not shown
// how it shuts down. The first start and the first end that are seen after that
// would be taken for attacks; so acts of severity low are learned for
// firstTimeGrace although the workload is guarded, and each is reported once as
// new. Executions are never learned then: the acts of a program may be harmless,
// but the fact that it runs is not.
const firstTimeGrace = time.Minute

// firstTimes are until when a first start and a first end are learned, in ns
// since boot.
type firstTimes struct{ startsUntil, endsUntil int64 }

// covers reports whether an act is part of a first start or end.
func (f *firstTimes) covers(in *Instance, ev *event.Event) bool {
	at := int64(ev.Time)
	return !in.Container.Running && at < f.startsUntil || in.Ending && at < f.endsUntil
}

// starts begins to learn the first start.
func (b *Behaviour) starts(in *Instance, now time.Time) {
	state, learned := b.guardedByItself(now)
	if learned && !state.StartSeen && !in.Container.Running {
		b.learner.SawStart()
		b.first.startsUntil = b.opts.SinceBoot() + firstTimeGrace.Nanoseconds()
	}
}

// Ends begins to learn the first end, of an instance whose pod is being deleted.
func (b *Behaviour) Ends(in *Instance, now time.Time) {
	if in.Ending {
		return
	}
	in.Ending = true
	if state, learned := b.guardedByItself(now); learned && !state.EndSeen {
		b.learner.SawEnd()
		b.first.endsUntil = b.opts.SinceBoot() + firstTimeGrace.Nanoseconds()
	}
}

// guardedByItself reports whether b is guarded by what was learned of it.
func (b *Behaviour) guardedByItself(now time.Time) (learner.State, bool) {
	state := b.learner.State(now)
	return state, b.State == status.Guarded && state.Guarded && b.learnedCounts(&b.documents)
}

// LearnFirstTime learns an act that the profile does not allow, if it is part of
// a first start or end, and reports whether it did. grade is the act's severity.
func (b *Behaviour) LearnFirstTime(in *Instance, ev *event.Event, grade severity.Severity) bool {
	if grade > severity.Low || ev.Kind == event.KindExec || !b.first.covers(in, ev) {
		return false
	}
	return b.Observe(ev)
}
