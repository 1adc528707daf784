package learner

import (
	"time"

	"bobwatch/internal/profile"
)

// State is the state of a Learner that is not a fact, and that has to outlive the
// process too.
type State struct {
	// Observed is for how long at least one instance of the container was
	// watched, restarts and replicas taken together.
	Observed time.Duration `json:"observed"`
	// StartSeen: at least one instance was watched from its first system call.
	StartSeen bool `json:"startSeen"`
	// EndSeen: at least one instance ended while it was learned.
	EndSeen bool `json:"endSeen,omitempty"`
	// LastSeen is when the state was taken: while an instance ran, or when the
	// last one ended.
	LastSeen time.Time `json:"lastSeen,omitzero"`
	// Lost counts records that did not reach the learner.
	Lost uint64 `json:"lost"`
	// NotKept counts facts that reached it but are not in the profile, for lack of
	// memory or of a way to write them.
	NotKept uint64 `json:"notKept"`
	// Guarded: learning has ended, and CutShort: before the window had.
	Guarded  bool `json:"guarded"`
	CutShort bool `json:"cutShort,omitempty"`
	// Network: connections were watched for as long as everything else, so that
	// the profile speaks for them. What older versions learned does not.
	Network bool `json:"network,omitempty"`
	// Changes says the same of changes of files.
	Changes bool `json:"changes,omitempty"`
}

// window adds up the time during which anything runs.
type window struct {
	state   State
	length  time.Duration // observed time after which the workload counts as learned
	running int
	since   time.Time // when running became 1
}

// SetWindow changes the observed time after which the workload counts as
// learned.
func (w *window) SetWindow(d time.Duration) { w.length = d }

// Started says that an instance of the container is watched from now on, and
// whether its start was seen.
func (w *window) Started(now time.Time, startSeen bool) {
	w.state.StartSeen = w.state.StartSeen || startSeen
	if w.running == 0 {
		w.since = now
	}
	w.running++
}

// SawEnd says that an end of the container was watched.
func (w *window) SawEnd() { w.state.EndSeen = true }

// SawStart says that a start of the container was watched.
func (w *window) SawStart() { w.state.StartSeen = true }

// Stopped says that an instance that had started ended.
func (w *window) Stopped(now time.Time) {
	if w.running == 0 {
		return
	}
	if w.running--; w.running == 0 {
		w.state.Observed += elapsed(w.since, now)
	}
}

// elapsed is never negative: the wall clock can be set back.
func elapsed(since, now time.Time) time.Duration { return max(0, now.Sub(since)) }

// ObservedFor returns for how long the container was watched. Several
// instances at once count once.
func (w *window) ObservedFor(now time.Time) time.Duration {
	if w.running == 0 {
		return w.state.Observed
	}
	return w.state.Observed + elapsed(w.since, now)
}

// Done reports whether the window has been filled.
func (w *window) Done(now time.Time) bool { return w.ObservedFor(now) >= w.length }

// Lose says that n records of the container were lost.
func (w *window) Lose(n uint64) { w.state.Lost += n }

// Guard says that learning has ended: from now on the profile is enforced.
func (w *window) Guard(now time.Time) {
	w.state.Guarded, w.state.CutShort = true, !w.Done(now)
}

// State returns the state at now, to be journalled with the facts.
func (l *Learner) State(now time.Time) State {
	state := l.state
	state.Observed = l.ObservedFor(now)
	state.LastSeen = now
	state.NotKept += l.counts.Full + l.counts.Unwritable
	return state
}

// Provenance says how far the profile may be trusted. Kernels, runtimes and
// agents are for the caller to fill in.
func (l *Learner) Provenance(now time.Time) profile.Provenance {
	state := l.State(now)
	p := profile.Provenance{
		LearnedFor:   state.Observed.Round(time.Second).String(),
		From:         "attach",
		Completeness: profile.Complete,
		Lost:         state.Lost,
		NotKept:      state.NotKept,
		CutShort:     state.CutShort,
	}
	if state.StartSeen {
		p.From = "start"
	}
	switch {
	case !state.Guarded && state.Observed < l.length:
		p.Completeness = profile.Learning
	case !state.StartSeen, state.Lost > 0, state.NotKept > 0, state.CutShort:
		p.Completeness = profile.Partial
	}
	return p
}
