package kubernetes

import (
	"time"

	"bobwatch/internal/profile"
	"bobwatch/internal/profile/generalise"
)

// Record holds the learned facts about a workload container, of one node or of all.
type Record struct {
	Profile *profile.Profile
	Guarded bool // else it is being learned
	// Observed is the longest that a node has watched it, Window how long it is
	// to be learned.
	Observed, Window time.Duration
	Replicas         int // the most that were seen at once on a node
	// NewFacts is how many entries the last write that had any added, and
	// LastNew when they were learned.
	NewFacts int
	LastNew  time.Time
	// Reason says in words why the profile is not complete.
	Reason string
	// Name is that of the ConfigMap. Load and merged set it.
	Name string
	// Predecessor is the name of the ConfigMap of the image before.
	Predecessor string
}

// join returns the union of a and b. No fact of either is lost, and facts of many nodes
// are generalised as if one node had seen them all.
func join(a, b *Record) (*Record, error) {
	p, err := profile.Merge(a.Profile, b.Profile)
	if err != nil {
		return nil, err
	}
	p = generalise.Profile(p, generalise.DefaultThresholds())
	joined := &Record{
		Profile:     p,
		Guarded:     a.Guarded || b.Guarded,
		Observed:    max(a.Observed, b.Observed),
		Window:      max(a.Window, b.Window),
		Replicas:    max(a.Replicas, b.Replicas),
		NewFacts:    a.NewFacts,
		LastNew:     a.LastNew,
		Reason:      max(a.Reason, b.Reason),
		Predecessor: max(a.Predecessor, b.Predecessor),
	}
	if b.LastNew.After(a.LastNew) {
		joined.NewFacts, joined.LastNew = b.NewFacts, b.LastNew
	}
	// A window that goes on changes nothing about one that has ended: its facts
	// are only added.
	switch {
	case a.Guarded && !b.Guarded:
		joined.vouch(a)
	case b.Guarded && !a.Guarded:
		joined.vouch(b)
	}
	return joined, nil
}

// vouch makes the record as complete as that of a node whose window has ended.
func (r *Record) vouch(by *Record) {
	to, from := &r.Profile.Spec.Provenance, &by.Profile.Spec.Provenance
	to.Completeness, to.From, to.Lost = from.Completeness, from.From, from.Lost
	to.NotKept, to.CutShort = from.NotKept, from.CutShort
	r.Reason = by.Reason
}

// progressSteps is how often in a window a record is written that contains only
// progress.
const progressSteps = 10

// advances reports whether joined, which is r and more, is worth a write.
func (r *Record) advances(joined *Record) bool {
	have, now := &r.Profile.Spec.Provenance, &joined.Profile.Spec.Provenance
	return len(profile.Covers(r.Profile, joined.Profile))+len(profile.MissingSenses(r.Profile, joined.Profile)) > 0 ||
		r.Guarded != joined.Guarded ||
		have.Completeness != now.Completeness ||
		r.Replicas != joined.Replicas ||
		!joined.Guarded && joined.Observed-r.Observed >= max(joined.Window/progressSteps, time.Second)
}

// countEntries returns how many acts the containers allow.
func countEntries(containers []profile.Container) int {
	n := 0
	for i := range containers {
		c := &containers[i]
		n += len(c.Execs) + len(c.Opens) + len(c.Changes)
		for _, names := range c.Syscalls {
			n += len(names)
		}
	}
	return n
}
