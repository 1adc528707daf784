package behaviour

import (
	"reflect"
	"slices"
	"time"

	"go.uber.org/zap"

	"bobwatch/internal/catalog"
	"bobwatch/internal/kubernetes"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/status"
)

// sealPatience is how long the cluster may take to join the facts of all nodes before
// this node guards with its own facts.
const sealPatience = time.Minute

// Meet adopts the settings of a new instance's pod, and the facts that other nodes
// learned about this image and its predecessor; either record may be nil.
func (b *Behaviour) Meet(s kubernetes.Settings, owner kubernetes.Subject, learned, predecessor *kubernetes.Record, now time.Time) {
	b.Settings = s
	b.learner.SetWindow(b.Window()) // which says whether others have filled it
	b.Absorb(learned, predecessor, now)
	b.Obey(s, owner, now) // a new instance does not wait for the next tick
}

// Obey applies new settings of the workload's pods.
func (b *Behaviour) Obey(s kubernetes.Settings, owner kubernetes.Subject, now time.Time) {
	b.Settings = s
	if owner.OwnerUID != "" {
		b.Owner = owner
	}
	b.learner.SetWindow(b.Window())
	if s.Mode == kubernetes.ModeGuard && b.State == status.Learning && b.learner.ObservedFor(now) > 0 {
		b.guard(now) // with what was learned so far
		return
	}
	b.refresh(now)
}

// Tick does work that is due by time, or by a change of the catalog.
func (b *Behaviour) Tick(now time.Time) {
	if b.stale || b.opts.Catalog.Version() != b.version {
		b.refresh(now)
	}
	if b.State == status.Learning && b.Settings.Mode != kubernetes.ModeLearn && b.learner.Done(now) {
		b.windowEnds(now)
	}
}

// Settle compiles the matcher again, with the facts learned since.
func (b *Behaviour) Settle(now time.Time) {
	if b.stale {
		b.refresh(now)
	}
}

// setState begins to learn, to guard or to leave alone. The window counts only
// time in which something is learned.
func (b *Behaviour) setState(state status.State, m *match.Matcher, now time.Time) {
	b.State, b.Matcher = state, m
	b.effects.Apply = true
	learning := state == status.Learning
	for in := range b.instances {
		switch {
		case learning && !in.counts:
			b.learner.Started(now, false)
		case !learning && in.counts:
			b.learner.Stopped(now)
		}
		in.counts = learning
	}
	if !learning {
		b.Baseline = nil
		b.sealing = time.Time{}
	}
}

// refresh decides the state of the workload, and compiles the acts that it may do from
// the documents in force and from the learned facts.
func (b *Behaviour) refresh(now time.Time) {
	stale := b.stale
	b.stale = false
	b.version = b.opts.Catalog.Version()
	documents := b.opts.Catalog.For(queryOf(&b.Knowledge))
	learned := b.learner.State(now).Guarded && b.learnedCounts(&documents)
	state := stateOf(b.Settings, documents.Base, learned)
	if state != status.Guarded {
		if state != b.State {
			b.opts.Log.Info("no profile is in force for the workload", zap.String("workload", b.Name), zap.String("state", string(state)))
			b.effects.Unguarded = state == status.Unguarded
			b.setState(state, nil, now)
		}
		b.documents = documents
		return
	}
	if b.State == state && !stale && reflect.DeepEqual(documents, b.documents) {
		return // another workload's documents changed
	}
	containers, senses := slices.Clone(documents.Containers), documents.Senses
	b.Completeness = documents.Completeness
	if learned {
		containers = append(containers, b.learner.Container())
		senses = profile.JoinSenses(senses, b.learner.Senses())
		b.Completeness = b.learner.Provenance(now).Completeness
	}
	matcher, err := b.opts.compile(containers, senses)
	if err != nil {
		b.opts.Log.Error("compile profile; the last one stays in force", zap.String("workload", b.Name), zap.Error(err))
		return
	}
	b.documents = documents
	b.setState(state, matcher, now)
}

// learnedCounts reports whether the learned facts are joined with the documents. They are
// not if a pod names the document, and, unless the configuration says so, not if the
// documents describe the workload.
func (k *Knowledge) learnedCounts(documents *catalog.Allowed) bool {
	return k.Settings.Document == "" && (!documents.Base || k.opts.JoinLearned)
}

// queryOf asks the catalog for the documents that describe the workload.
func queryOf(k *Knowledge) catalog.Query {
	return catalog.Query{
		Workload: profile.Workload{
			Namespace: k.Model.Namespace,
			Kind:      k.Model.Owner.Kind,
			Name:      k.Model.Owner.Name,
			Labels:    k.Model.Labels,
		},
		Container: k.Model.Name,
		Type:      profile.ContainerType(k.Model.Type),
		Document:  k.Settings.Document,
	}
}

// stateOf returns the state of a workload container. base is set if documents describe
// it completely, learned if its own learned profile does.
func stateOf(s kubernetes.Settings, base, learned bool) status.State {
	switch {
	case s.Mode == kubernetes.ModeOff:
		return status.Off
	case s.Mode == kubernetes.ModeLearn:
		return status.Learning
	case base || learned:
		return status.Guarded
	case s.Mode == kubernetes.ModeGuard || s.Document != "":
		return status.Unguarded
	}
	return status.Learning
}

// windowEnds guards a workload that was learned for long enough. If other nodes learn it
// too, it first reads their facts.
func (b *Behaviour) windowEnds(now time.Time) {
	if b.opts.Shares == nil || !b.opts.Shares(b) {
		b.guard(now)
		return
	}
	if b.sealing.IsZero() {
		b.sealing = now
		b.effects.Share = true
	}
	if now.Sub(b.sealing) >= sealPatience {
		b.opts.Log.Warn("the cluster does not answer; guarding with what was learned on this node", zap.String("workload", b.Name))
		b.guard(now)
	}
}

// guard ends the window.
func (b *Behaviour) guard(now time.Time) {
	b.learner.Guard(now)
	b.refresh(now)
	if len(b.instances) > 0 {
		b.guardedAt = uint64(b.opts.SinceBoot())
	}
	b.effects.Journal, b.effects.Save = true, true
	p := b.learner.Provenance(now)
	b.opts.Log.Info("guarding workload", zap.String("workload", b.Name), zap.String("learnedFor", p.LearnedFor),
		zap.String("completeness", string(p.Completeness)))
}
