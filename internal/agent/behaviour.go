package agent

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"time"

	"go.uber.org/zap"

	"bobwatch/internal/catalog"
	"bobwatch/internal/kubernetes"
	"bobwatch/internal/learner"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/generalise"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/status"
	"bobwatch/internal/workload"
)

// maxDormant is how many behaviours without an instance are kept in memory;
// older ones are read from the journal when they come back.
const maxDormant = 256

// saveInterval is how often a profile that still grows is written and shared,
// but saveShare times in a window at least: what a node learns has to reach the
// others before they end it.
const (
	saveInterval = 30 * time.Second
	saveShare    = 20
)

// sealPatience is how long the cluster may take to join what all nodes learned
// before this node guards with what it learned itself.
const sealPatience = time.Minute

// behaviour is what is known of a workload container, for all its instances.
type behaviour struct {
	key       workload.Key
	name      string // key as a string: in the journal, in messages
	model     workload.Container
	settings  kubernetes.Settings
	owner     kubernetes.Subject // where the learned profile belongs in the cluster
	learner   *learner.Learner
	state     status.State
	matcher   *match.Matcher // nil unless it is guarded
	instances map[*instance]struct{}
	account   *account
	notKept   uint64 // as last seen

	documents    catalog.Allowed // what matcher was compiled from
	version      uint64          // of the catalog, when it was asked last
	completeness profile.Completeness
	guardedAt    uint64 // ns since boot: events before it are learned
	startsUntil  int64  // ns since boot, see firsttime.go
	endsUntil    int64
	stale        bool // the matcher lacks something that was learned
	saved        time.Time
	unsaved      bool

	// baseline is the profile of the image before, while this one is learned:
	// what it does not allow is reported as new.
	baseline    *match.Matcher
	predecessor string    // where the cluster keeps that profile
	newFacts    int       // learned since the cluster was told
	sealing     time.Time // since when the other nodes are asked before guarding
}

func (b *behaviour) join(in *instance, now time.Time) {
	b.instances[in] = struct{}{}
	if b.state == status.Learning {
		in.counts = true
		b.learner.Started(now, !in.container.Running)
	}
	b.starts(in)
}

func (b *behaviour) leave(in *instance, now time.Time) {
	delete(b.instances, in)
	if in.counts {
		b.learner.Stopped(now)
		b.learner.SawEnd()
		in.counts = false
	}
}

// setState begins to learn, to guard or to leave alone. The window counts only
// time in which something is learned.
func (b *behaviour) setState(state status.State, m *match.Matcher, now time.Time) {
	b.state, b.matcher = state, m
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
		b.baseline = nil
		b.sealing = time.Time{}
	}
}

// behaviourOf finds or makes the behaviour of a container.
func (e *engine) behaviourOf(n *newcomer) *behaviour {
	key := n.Key()
	b := e.workloads[key]
	if b != nil {
		e.dormant = slices.DeleteFunc(e.dormant, func(d *behaviour) bool { return d == b })
	} else {
		b = e.newBehaviour(n, key)
	}
	b.settings = n.settings
	b.learner.SetWindow(e.windowOf(b)) // which says whether others have filled it
	e.absorb(b, n.learned, n.predecessor)
	e.obey(b, n) // a new instance is not to wait for the next tick
	return b
}

// obey does with the behaviour what its pods ask for now.
func (e *engine) obey(b *behaviour, n *newcomer) {
	now := time.Now()
	b.settings = n.settings
	if n.owner.OwnerUID != "" {
		b.owner = n.owner
	}
	b.learner.SetWindow(e.windowOf(b))
	if b.settings.Mode == kubernetes.ModeGuard && b.state == status.Learning && b.learner.ObservedFor(now) > 0 {
		e.guard(b, now) // with what was learned so far
		return
	}
	e.refresh(b)
}

func (e *engine) newBehaviour(n *newcomer, key workload.Key) *behaviour {
	b := &behaviour{
		key:       key,
		name:      key.String(),
		model:     n.Container,
		state:     status.Learning,
		instances: map[*instance]struct{}{},
		account:   e.accounts.open(n.Namespace, n.Owner.Name),
	}
	b.learner = learner.New(b.name, learner.Options{
		Arch:       e.arch,
		Window:     time.Duration(e.config.Learning.Window),
		Thresholds: generalise.DefaultThresholds(),
		Boot:       e.boot,
	})
	state, facts, found, err := e.journal.Restore(b.name)
	if err != nil {
		e.log.Error("restore from journal; learning anew", zap.String("workload", b.name), zap.Error(err))
	}
	if found {
		b.learner.Restore(state, facts)
		b.unsaved = true // what came last may not have reached the other nodes
	}
	b.notKept = b.learner.State(time.Now()).NotKept
	e.workloads[key] = b
	return b
}

func (e *engine) windowOf(b *behaviour) time.Duration {
	if b.settings.Window > 0 {
		return b.settings.Window
	}
	return time.Duration(e.config.Learning.Window)
}

// refresh decides what is done with the behaviour, and compiles what it may do
// from the documents in force and from what was learned.
func (e *engine) refresh(b *behaviour) {
	stale := b.stale
	b.stale = false
	b.version = e.catalog.Version()
	now := time.Now()
	documents := e.catalog.For(catalog.Query{
		Workload: profile.Workload{
			Namespace: b.model.Namespace,
			Kind:      b.model.Owner.Kind,
			Name:      b.model.Owner.Name,
			Labels:    b.model.Labels,
		},
		Container: b.model.Name,
		Type:      profile.ContainerType(b.model.Type),
		Document:  b.settings.Document,
	})
	learned := b.learner.State(now).Guarded && b.settings.Document == ""
	state := stateOf(b.settings, documents.Base, learned)
	if state != status.Guarded {
		if state != b.state {
			e.change(b, state, now)
		}
		b.documents = documents
		return
	}
	if b.state == state && !stale && reflect.DeepEqual(documents, b.documents) {
		return // another workload's documents changed
	}
	containers := slices.Clone(documents.Containers)
	b.completeness = documents.Completeness
	if learned {
		containers = append(containers, b.learner.Container())
		b.completeness = b.learner.Provenance(now).Completeness
	}
	matcher, err := e.compile(containers)
	if err != nil {
		e.log.Error("compile profile; the last one stays in force", zap.String("workload", b.name), zap.Error(err))
		return
	}
	b.documents = documents
	b.setState(state, matcher, now)
	e.applyAll(b)
}

// stateOf says what is done with a workload container: base is set if documents
// say all that it does, learned if its own profile does.
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

// change goes over to a state without a profile.
func (e *engine) change(b *behaviour, state status.State, now time.Time) {
	switch {
	case state == status.Unguarded:
		e.log.Error("nothing says what the workload may do; it is not guarded", zap.String("workload", b.name))
		b.account.raise(e.alerts, noProfileAlert(e.config.Node, b))
	case b.state == status.Guarded && state == status.Learning:
		e.log.Warn("no document is left for the workload, or it is to be learned; learning it", zap.String("workload", b.name))
	}
	b.setState(state, nil, now)
	e.applyAll(b)
}

func (e *engine) compile(containers []profile.Container) (*match.Matcher, error) {
	return match.Compile(containers, match.Options{
		Arch:      e.arch,
		Strict:    e.config.Detection.StrictSyscalls,
		MergedUsr: true,
	})
}

func (e *engine) applyAll(b *behaviour) {
	for in := range b.instances {
		e.apply(in)
	}
}

// windowEnds guards a workload that was learned for long enough. If other nodes
// learn it too, they are asked first what they know.
func (e *engine) windowEnds(b *behaviour, now time.Time) {
	if !e.cluster.shares(b) {
		e.guard(b, now)
		return
	}
	if b.sealing.IsZero() {
		b.sealing = now
		e.share(b)
	}
	if now.Sub(b.sealing) >= sealPatience {
		e.log.Warn("the cluster does not answer; guarding with what was learned on this node", zap.String("workload", b.name))
		e.guard(b, now)
	}
}

// guard ends the window.
func (e *engine) guard(b *behaviour, now time.Time) {
	b.learner.Guard(now)
	e.refresh(b)
	if len(b.instances) > 0 {
		b.guardedAt = uint64(sinceBoot())
	}
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
		b.newFacts += len(facts)
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
		e.drop(b)
	}
}

func (e *engine) saveDue(now time.Time) {
	for _, b := range e.workloads {
		if b.unsaved && now.Sub(b.saved) >= min(saveInterval, e.windowOf(b)/saveShare) {
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

// save hands the learned profile to the store, and to the other nodes.
func (e *engine) save(b *behaviour) {
	b.saved, b.unsaved = time.Now(), false
	e.store.put(b.name, b.document())
	e.share(b)
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
