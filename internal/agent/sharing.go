package agent

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"bobwatch/internal/kubernetes"
	"bobwatch/internal/learner"
	"bobwatch/internal/profile"
	"bobwatch/internal/status"
	"bobwatch/internal/workload"
)

// share gives the other nodes what was learned of a workload container.
func (e *engine) share(b *behaviour) {
	if !e.cluster.shares(b) {
		return
	}
	now := time.Now()
	state := b.learner.State(now)
	state.Guarded = state.Guarded || !b.sealing.IsZero()
	e.cluster.learned.Put(b.owner, kubernetes.Record{
		Profile:     b.document(),
		Guarded:     state.Guarded,
		Observed:    state.Observed,
		Window:      e.windowOf(b),
		Replicas:    len(b.instances),
		NewFacts:    b.newFacts,
		LastNew:     b.learner.LastNews(),
		Reason:      reasonOf(state),
		Predecessor: b.predecessor,
	})
	b.newFacts = 0
}

// reasonOf says why a profile is not complete.
func reasonOf(s learner.State) string {
	var reasons []string
	if !s.Guarded {
		reasons = append(reasons, "the window has not ended")
	}
	if !s.StartSeen {
		reasons = append(reasons, "no start was seen")
	}
	if s.CutShort {
		reasons = append(reasons, "the window was cut short")
	}
	if s.Lost > 0 {
		reasons = append(reasons, fmt.Sprintf("%d records were lost", s.Lost))
	}
	if s.NotKept > 0 {
		reasons = append(reasons, fmt.Sprintf("%d facts were not kept", s.NotKept))
	}
	return strings.Join(reasons, ", ")
}

// learnedElsewhere takes over what the nodes together know of a workload
// container.
func (e *engine) learnedElsewhere(ctx context.Context, key workload.Key, r kubernetes.Record) {
	e.post(ctx, func() {
		b := e.workloads[key]
		if b == nil {
			return
		}
		e.absorb(b, &r, nil)
		if b.stale {
			e.refresh(b)
		}
	})
}

// absorb adds what other nodes learned of the same image, and while this image
// is learned what was learned of the one before. Either may be nil.
func (e *engine) absorb(b *behaviour, learned, predecessor *kubernetes.Record) {
	now := time.Now()
	if predecessor != nil && !b.learner.State(now).Guarded && (learned == nil || !learned.Guarded) {
		e.startFrom(b, predecessor, now)
	}
	if learned == nil {
		return
	}
	if e.absorbProfile(b, learned.Profile, now) {
		b.stale = true
	}
	before := b.learner.State(now)
	b.learner.AbsorbState(now, learner.State{
		Observed:  learned.Observed,
		StartSeen: learned.Profile.Spec.Provenance.From == "start",
	})
	if learned.Guarded && !before.Guarded && b.settings.Mode != kubernetes.ModeLearn {
		e.guard(b, now)
	}
}

// startFrom begins with the profile of another image of the same workload.
func (e *engine) startFrom(b *behaviour, predecessor *kubernetes.Record, now time.Time) {
	if b.predecessor == predecessor.Name && b.baseline != nil {
		return
	}
	matcher, err := e.compile(predecessor.Profile.Spec.Containers)
	if err != nil {
		e.log.Error("compile profile of the image before", zap.String("workload", b.name), zap.Error(err))
		return
	}
	e.absorbProfile(b, predecessor.Profile, now)
	b.baseline, b.predecessor = matcher, predecessor.Name
	e.log.Info("a new image starts from the profile of the one before", zap.String("workload", b.name),
		zap.String("profile", predecessor.Name))
}

// absorbProfile reports whether there was anything new in p.
func (e *engine) absorbProfile(b *behaviour, p *profile.Profile, now time.Time) (added bool) {
	for i := range p.Spec.Containers {
		added = b.learner.Absorb(&p.Spec.Containers[i], now) || added
	}
	if added {
		e.changed[b] = struct{}{}
		if b.state == status.Learning {
			e.applyAll(b)
		}
	}
	return added
}
