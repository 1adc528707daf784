// Package behaviour is the life of one workload container, over all its
// instances on a node: learning, guarded, unguarded, off.
//
// Its invariant: it decides and does nothing else. It leaves the consequences for the
// kernel, the journal and the cluster in Effects for the caller, so that it behaves the
// same everywhere, also in tests.
package behaviour

import (
	"iter"
	"maps"
	"time"

	"go.uber.org/zap"

	"bobwatch/internal/catalog"
	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/status"
	"bobwatch/internal/workload"
)

// Options are what all Behaviours of an agent have in common.
type Options struct {
	// Arch is the architecture of the machine, a GOARCH name.
	Arch string
	// Window is how long a workload is learned that does not choose itself.
	Window time.Duration
	// StrictSyscalls: families of system calls are not joined.
	StrictSyscalls bool
	// Boot is the wall-clock time of an event at 0 ns since boot, and SinceBoot
	// the clock of events.
	Boot      time.Time
	SinceBoot func() int64
	Catalog   *catalog.Catalog
	// JoinLearned adds what was learned to documents that describe a workload.
	JoinLearned bool
	// Shares reports whether other nodes learn the same workload; nil: never.
	Shares func(*Behaviour) bool
	// Provenance is the provenance of every learned document.
	Provenance profile.Provenance
	Log        *zap.Logger
}

func (o *Options) compile(containers []profile.Container, senses []profile.Sense) (*match.Matcher, error) {
	return match.Compile(containers, match.Options{Arch: o.Arch, Strict: o.StrictSyscalls, Senses: senses, MergedUsr: true})
}

// Behaviour decides the state of one workload container: whether its acts are learned,
// guarded or ignored. It belongs to one goroutine.
type Behaviour struct {
	Knowledge
	Stance

	instances map[*Instance]struct{}
	effects   Effects
	documents catalog.Allowed // that the matcher was compiled from
	version   uint64          // of the catalog, when it was asked last
	guardedAt uint64          // ns since boot: events before it are learned
	first     firstTimes
	// LateStarts counts instances whose start the kernel could not report.
	LateStarts uint64

	stale   bool      // the matcher lacks something that was learned
	sealing time.Time // since when the other nodes are asked before guarding
}

// Stance says how the workload's acts are treated. Only the Behaviour sets it.
type Stance struct {
	State status.State
	// Matcher matches the acts that the workload may do; nil unless it is guarded.
	Matcher *match.Matcher
	// Completeness says how far the profile in force may be trusted.
	Completeness profile.Completeness
	// Baseline matches the acts that the image before was allowed, while this one
	// is learned: other acts are reported as new. It is nil if there is none.
	Baseline *match.Matcher
}

// Instance is one running container.
type Instance struct {
	Container workload.Container
	Ending    bool // its pod is being deleted
	counts    bool // its time counts for the window
}

// Effects are the tasks of the caller after a method of a Behaviour.
type Effects struct {
	Apply     bool // write the allowed acts of the instances to the kernel
	Journal   bool // write down what Take and State return
	Save      bool // write the profile now
	Share     bool // ask the other nodes what they know: the window ends
	Unguarded bool // report that no document or learned profile describes the workload
}

// New returns the Behaviour of a workload container that nothing is known of.
func New(key workload.Key, model *workload.Container, opts *Options) *Behaviour {
	return &Behaviour{
		Knowledge: newKnowledge(key, model, opts),
		Stance:    Stance{State: status.Learning},
		instances: map[*Instance]struct{}{},
	}
}

// Effects returns the pending effects, and clears them.
func (b *Behaviour) Effects() Effects {
	effects := b.effects
	b.effects = Effects{}
	return effects
}

// Running returns how many instances run.
func (b *Behaviour) Running() int { return len(b.instances) }

// Instances returns the instances that run, in no order.
func (b *Behaviour) Instances() iter.Seq[*Instance] { return maps.Keys(b.instances) }

// Join takes in an instance.
func (b *Behaviour) Join(in *Instance, now time.Time) {
	b.instances[in] = struct{}{}
	if b.State == status.Learning {
		in.counts = true
		b.learner.Started(now, !in.Container.Running)
	}
	b.starts(in, now)
	b.effects.Journal = true
}

// Leave lets go of an instance.
func (b *Behaviour) Leave(in *Instance, now time.Time) {
	delete(b.instances, in)
	if in.counts {
		b.learner.Stopped(now)
		b.learner.SawEnd()
		in.counts = false
	}
	b.effects.Journal = true
}

// Observe learns an act, and reports whether it was new.
func (b *Behaviour) Observe(ev *event.Event) bool {
	if !b.learner.Observe(ev) {
		return false
	}
	b.effects.Journal = true
	b.stale = b.stale || b.State == status.Guarded
	return true
}

// Late reports whether an act of a guarded workload is to be learned: the
// kernel sent it before it knew that the window had ended.
func (b *Behaviour) Late(ev *event.Event) bool { return ev.Time < b.guardedAt }

// Lose notes that n records did not arrive. They make a profile partial only while
// it is being learned.
func (b *Behaviour) Lose(n uint64) {
	if n > 0 && b.State == status.Learning {
		b.learner.Lose(n)
		b.effects.Journal = true
	}
}
