package behaviour

import (
	"time"

	"bobwatch/internal/status"
)

// Describe fills in the facts and the state of the workload in w. The caller fills in
// its name.
func Describe(b *Behaviour, w *status.Workload, now time.Time) {
	w.State = b.State
	w.Observed = b.learner.ObservedFor(now).Seconds()
	w.Window = b.Window().Seconds()
	w.Completeness = b.Completeness
	if b.State == status.Learning {
		w.Completeness = b.learner.Provenance(now).Completeness
	}
	w.Late = b.LateStarts
	w.LastNews = b.learner.LastNews()
	w.Learned.Syscalls, w.Learned.Execs, w.Learned.Opens = b.learner.Size()
}
