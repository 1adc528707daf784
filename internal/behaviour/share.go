package behaviour

import (
	"slices"
	"time"

	"go.uber.org/zap"

	"bobwatch/internal/kubernetes"
	"bobwatch/internal/learner"
	"bobwatch/internal/profile"
	"bobwatch/internal/status"
)

// Record returns the facts to share with the other nodes.
func (b *Behaviour) Record(now time.Time) kubernetes.Record {
	state := b.learner.State(now)
	state.Guarded = state.Guarded || !b.sealing.IsZero()
	r := kubernetes.Record{
		Profile:     b.Profile(now),
		Guarded:     state.Guarded,
		Observed:    state.Observed,
		Window:      b.Window(),
		Replicas:    len(b.instances),
		NewFacts:    b.newFacts,
		LastNew:     b.learner.LastNews(),
		Reason:      reasonOf(&state),
		Predecessor: b.predecessor,
	}
	b.newFacts = 0
	return r
}

// Absorb adds the facts of other nodes about the same image, and, while this image is
// learned, the facts about the image before. Either may be nil.
func (b *Behaviour) Absorb(learned, predecessor *kubernetes.Record, now time.Time) {
	if predecessor != nil && !b.learner.State(now).Guarded && (learned == nil || !learned.Guarded) {
		b.startFrom(predecessor, now)
	}
	if learned == nil {
		return
	}
	if b.absorbProfile(learned.Profile, now) {
		b.stale = true
	}
	before := b.learner.State(now)
	b.learner.AbsorbState(now, learner.State{
		Network:   slices.Contains(learned.Profile.Spec.Senses, profile.SenseNetwork),
		Changes:   slices.Contains(learned.Profile.Spec.Senses, profile.SenseChanges),
		Observed:  learned.Observed,
		StartSeen: learned.Profile.Spec.Provenance.From == "start",
	})
	if learned.Guarded && !before.Guarded && b.Settings.Mode != kubernetes.ModeLearn {
		b.guard(now)
	}
}

// startFrom begins with the profile of another image of the same workload.
func (b *Behaviour) startFrom(predecessor *kubernetes.Record, now time.Time) {
	if b.predecessor == predecessor.Name && b.Baseline != nil {
		return
	}
	matcher, err := b.opts.compile(predecessor.Profile.Spec.Containers, predecessor.Profile.Spec.Senses)
	if err != nil {
		b.opts.Log.Error("compile profile of the image before", zap.String("workload", b.Name), zap.Error(err))
		return
	}
	b.absorbProfile(predecessor.Profile, now)
	b.Baseline, b.predecessor = matcher, predecessor.Name
	b.opts.Log.Info("a new image starts from the profile of the one before", zap.String("workload", b.Name),
		zap.String("profile", predecessor.Name))
}

// absorbProfile reports whether there was anything new in p.
func (b *Behaviour) absorbProfile(p *profile.Profile, now time.Time) bool {
	added := b.absorb(p, now)
	if added {
		b.effects.Journal = true
		b.effects.Apply = b.effects.Apply || b.State == status.Learning
	}
	return added
}
