package agent

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"time"

	"go.uber.org/zap"

	"bobwatch/internal/catalog"
	"bobwatch/internal/learner"
	"bobwatch/internal/profile"
	"bobwatch/internal/workload"
)

// maxDormant is how many behaviours without an instance are kept in memory;
// older ones are read from the journal when they come back.
const maxDormant = 256

// saveInterval is how often a profile that still grows is written.
const saveInterval = 30 * time.Second

// behaviour is what is known of a workload container, for all its instances.
type behaviour struct {
	key       workload.Key
	name      string // key as a string: in the journal, in messages
	model     workload.Container
	learner   *learner.Learner
	matcher   *profile.Matcher // nil while it learns
	instances map[*instance]struct{}
	account   *account
	notKept   uint64 // as last seen

	documents    catalog.Allowed // what matcher was compiled from
	version      uint64          // of the catalog, when it was asked last
	completeness profile.Completeness
	guardedAt    uint64 // ns since boot: events before it are learned
	stale        bool   // the matcher lacks something that was learned
	saved        time.Time
	unsaved      bool
}

func (b *behaviour) join(in *instance, now time.Time) {
	b.instances[in] = struct{}{}
	if b.matcher == nil {
		in.counts = true
		b.learner.Started(now, !in.container.Running)
	}
}

func (b *behaviour) leave(in *instance, now time.Time) {
	delete(b.instances, in)
	if in.counts {
		b.learner.Stopped(now)
	}
}

// setMatcher begins to guard, or with nil to learn. The window counts only time
// in which something is learned.
func (b *behaviour) setMatcher(m *profile.Matcher, now time.Time) {
	b.matcher = m
	for in := range b.instances {
		switch {
		case m == nil && !in.counts:
			b.learner.Started(now, false)
		case m != nil && in.counts:
			b.learner.Stopped(now)
		}
		in.counts = m == nil
	}
}

// behaviourOf finds or makes the behaviour of a container.
func (e *engine) behaviourOf(c *workload.Container) *behaviour {
	key := c.Key()
	if b := e.workloads[key]; b != nil {
		e.dormant = slices.DeleteFunc(e.dormant, func(d *behaviour) bool { return d == b })
		if b.version != e.catalog.Version() {
			e.refresh(b) // a new instance is not to wait for the next tick
		}
		return b
	}
	b := &behaviour{
		key:       key,
		name:      key.String(),
		model:     *c,
		instances: map[*instance]struct{}{},
		account:   e.accounts.open(c.Namespace, c.Owner.Name),
	}
	b.learner = learner.New(b.name, learner.Options{
		Arch:       e.arch,
		Window:     time.Duration(e.config.Learning.Window),
		Thresholds: profile.DefaultThresholds(),
		Boot:       e.boot,
	})
	state, facts, found, err := e.journal.Restore(b.name)
	if err != nil {
		e.log.Error("restore from journal; learning anew", zap.String("workload", b.name), zap.Error(err))
	}
	if found {
		b.learner.Restore(state, facts)
	}
	b.notKept = b.learner.State(time.Now()).NotKept
	e.workloads[key] = b
	e.refresh(b)
	return b
}

// refresh compiles what the behaviour may do from the documents in force and
// from what was learned. Without either it learns.
func (e *engine) refresh(b *behaviour) {
	stale := b.stale
	b.stale = false
	b.version = e.catalog.Version()
	now := time.Now()
	documents := e.catalog.For(profile.Workload{
		Namespace: b.model.Namespace,
		Kind:      b.model.Owner.Kind,
		Name:      b.model.Owner.Name,
		Labels:    b.model.Labels,
	}, b.model.Name, profile.ContainerType(b.model.Type))
	learned := b.learner.State(now).Guarded
	if !learned && !documents.Base {
		if b.matcher != nil {
			e.log.Warn("no document is left for the workload; learning it", zap.String("workload", b.name))
			b.setMatcher(nil, now)
			b.documents = documents
			e.applyAll(b)
		}
		return
	}
	if b.matcher != nil && !stale && reflect.DeepEqual(documents, b.documents) {
		return // another workload's documents changed
	}
	containers := slices.Clone(documents.Containers)
	b.completeness = documents.Completeness
	if learned {
		containers = append(containers, b.learner.Container())
		b.completeness = b.learner.Provenance(now).Completeness
	}
	matcher, err := profile.Compile(containers, profile.MatchOptions{
		Arch:      e.arch,
		Strict:    e.config.Detection.StrictSyscalls,
		MergedUsr: true,
	})
	if err != nil {
		e.log.Error("compile profile; the last one stays in force", zap.String("workload", b.name), zap.Error(err))
		return
	}
	b.documents = documents
	b.setMatcher(matcher, now)
	e.applyAll(b)
}

func (e *engine) applyAll(b *behaviour) {
	for in := range b.instances {
		e.apply(in)
	}
}

// guard ends the window.
func (e *engine) guard(b *behaviour, now time.Time) {
	b.learner.Guard()
	e.refresh(b)
	b.guardedAt = uint64(sinceBoot())
	e.changed[b] = struct{}{}
	b.saved = time.Time{} // write it now
	p := b.learner.Provenance(now)
	e.log.Info("guarding workload", zap.String("workload", b.name), zap.String("learnedFor", p.LearnedFor),
		zap.String("completeness", string(p.Completeness)))
}

// journalChanges gives the journal what was learned since the last time.
func (e *engine) journalChanges() {
	now := time.Now()
	for b := range e.changed {
		facts, all := b.learner.Take(now)
		e.journal.Append(learner.Batch{Key: b.name, State: b.learner.State(now), Facts: facts, All: all})
		b.unsaved = true
	}
	clear(e.changed)
}

// evictDormant forgets the oldest behaviours without an instance. What they
// learned is in the journal.
func (e *engine) evictDormant() {
	for len(e.dormant) > maxDormant {
		b := e.dormant[0]
		e.dormant = e.dormant[1:]
		if b.unsaved {
			e.save(b)
		}
		delete(e.workloads, b.key)
		e.accounts.close(b.account)
	}
}

func (e *engine) saveDue(now time.Time) {
	for _, b := range e.workloads {
		if b.unsaved && now.Sub(b.saved) >= saveInterval {
			e.save(b)
		}
	}
}

func (e *engine) saveAll() {
	for _, b := range e.workloads {
		if b.unsaved {
			e.save(b)
		}
	}
}

// save hands the learned profile to the store.
func (e *engine) save(b *behaviour) {
	b.saved, b.unsaved = time.Now(), false
	e.store.put(b.name, b.document())
}

// document is the Bill of Behavior that was learned.
func (b *behaviour) document() *profile.Profile {
	c := b.learner.Container()
	c.Name = b.model.Name
	c.Type = profile.ContainerType(b.model.Type)
	if b.model.Image != "" {
		c.Images = []string{b.model.Image}
		if b.model.ImageDigest != "" {
			c.Images = []string{b.model.Image + "@" + b.model.ImageDigest}
		}
	}
	provenance := b.learner.Provenance(time.Now())
	provenance.Kernels = []string{kernelRelease()}
	provenance.Runtimes = []string{b.model.Runtime}
	provenance.Agents = []string{fmt.Sprintf("bobwatch %s (%s/%s)", Version, runtime.GOOS, runtime.GOARCH)}
	return profile.Normalise(&profile.Profile{
		APIVersion: profile.APIVersion,
		Kind:       profile.Kind,
		Metadata:   profile.Metadata{Name: b.model.Owner.Name},
		Spec: profile.Spec{
			Workload: profile.Workload{
				Namespace: b.model.Namespace,
				Kind:      b.model.Owner.Kind,
				Name:      b.model.Owner.Name,
			},
			Containers: []profile.Container{c},
			Provenance: provenance,
		},
	})
}
