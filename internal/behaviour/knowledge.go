package behaviour

import (
	"fmt"
	"strings"
	"time"

	"bobwatch/internal/event"
	"bobwatch/internal/kubernetes"
	"bobwatch/internal/learner"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/generalise"
	"bobwatch/internal/workload"
)

// Knowledge holds the name of a workload container, and the facts about it.
type Knowledge struct {
	Key      workload.Key
	Name     string             // Key as a string: in the journal, in messages
	Model    workload.Container // the first instance
	Owner    kubernetes.Subject // where the learned profile belongs in the cluster
	Settings kubernetes.Settings

	opts        *Options
	learner     *learner.Learner
	newFacts    int    // learned since the cluster was told
	predecessor string // where the cluster keeps the profile of the image before
}

func newKnowledge(key workload.Key, model *workload.Container, opts *Options) Knowledge {
	k := Knowledge{Key: key, Name: key.String(), Model: *model, opts: opts}
	k.learner = learner.New(k.Name, learner.Options{
		Arch:       opts.Arch,
		Window:     opts.Window,
		Thresholds: generalise.DefaultThresholds(),
		Boot:       opts.Boot,
	})
	return k
}

// Restore goes on where an earlier agent stopped.
func (k *Knowledge) Restore(state learner.State, facts []learner.Fact) {
	k.learner.Restore(state, facts)
}

// Known returns the learned acts, which the kernel need not send again.
func (k *Knowledge) Known() learner.Known { return k.learner.Known() }

// Take returns the facts that the journal does not have.
func (k *Knowledge) Take(now time.Time) learner.Batch {
	facts, all := k.learner.Take(now)
	k.newFacts += len(facts)
	return learner.Batch{Key: k.Name, State: k.learner.State(now), Facts: facts, All: all}
}

// NotKept returns how many facts are in no profile for lack of memory or of a
// way to write them.
func (k *Knowledge) NotKept(now time.Time) uint64 { return k.learner.State(now).NotKept }

// Window returns how long the workload is learned.
func (k *Knowledge) Window() time.Duration {
	if k.Settings.Window > 0 {
		return k.Settings.Window
	}
	return k.opts.Window
}

// Progress returns the share of the window that has passed.
func (k *Knowledge) Progress(now time.Time) float64 {
	return k.learner.ObservedFor(now).Seconds() / k.Window().Seconds()
}

// absorb reports whether there was anything new in p.
func (k *Knowledge) absorb(p *profile.Profile, now time.Time) (added bool) {
	for i := range p.Spec.Containers {
		added = k.learner.Absorb(&p.Spec.Containers[i], now) || added
	}
	return added
}

// Profile returns the Bill of Behavior that was learned.
func (k *Knowledge) Profile(now time.Time) *profile.Profile {
	c := k.learner.Container()
	c.Name = k.Model.Name
	c.Type = profile.ContainerType(k.Model.Type)
	if k.Model.Image != "" {
		c.Images = []string{k.Model.Image}
		if k.Model.ImageDigest != "" {
			c.Images = []string{k.Model.Image + "@" + k.Model.ImageDigest}
		}
	}
	provenance := k.learner.Provenance(now)
	provenance.Kernels = k.opts.Provenance.Kernels
	provenance.Agents = k.opts.Provenance.Agents
	provenance.Runtimes = []string{k.Model.Runtime}
	return profile.Normalise(&profile.Profile{
		APIVersion: profile.APIVersion,
		Kind:       profile.Kind,
		Metadata:   profile.Metadata{Name: k.Model.Owner.Name},
		Spec: profile.Spec{
			Workload: profile.Workload{
				Namespace: k.Model.Namespace,
				Kind:      k.Model.Owner.Kind,
				Name:      k.Model.Owner.Name,
			},
			Senses:     k.learner.Senses(),
			Containers: []profile.Container{c},
			Provenance: provenance,
		},
	})
}

// reasonOf says why a profile is not complete.
func reasonOf(s *learner.State) string {
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

// AnyPeer reports whether the port of a connection was used with peers from
// everywhere.
func (k *Knowledge) AnyPeer(ev *event.Event) bool {
	return k.learner.AnyPeer(&ev.Connection)
}
