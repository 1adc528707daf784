package observe

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"bobwatch/internal/event"
	"bobwatch/internal/host"
	"bobwatch/internal/learner"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/generalise"
	"bobwatch/internal/workload"
)

// Progress says how much a Recorder has found.
type Progress struct {
	Syscalls, Execs, Opens uint64
	Last                   time.Time // when something new came last
	Lost                   uint64    // records
}

// Recorder is a Handler that learns a Bill of Behavior. Progress may be called
// from any goroutine, Document once the Observer's Run has returned.
type Recorder struct {
	boot     time.Time
	model    workload.Container // whose document it is
	learners map[string]*recording
	progress atomic.Pointer[Progress]
}

// recording holds the facts about one container of the workload, over its replicas and
// restarts.
type recording struct {
	learner  *learner.Learner
	images   map[string]bool
	runtimes map[string]bool
	typ      string
}

// NewRecorder returns a Recorder that knows nothing.
func NewRecorder() *Recorder {
	r := &Recorder{boot: host.BootTime(), learners: map[string]*recording{}}
	r.progress.Store(&Progress{Last: time.Now()})
	return r
}

// Progress returns the counts so far.
func (r *Recorder) Progress() Progress { return *r.progress.Load() }

// Begin implements Handler.
func (r *Recorder) Begin(s *Subject) {
	c := &s.Container
	rec := r.learners[c.Name]
	if rec == nil {
		rec = &recording{images: map[string]bool{}, runtimes: map[string]bool{}, typ: c.Type}
		rec.learner = learner.New(c.Key().String(), learner.Options{
			Arch:       runtime.GOARCH,
			Thresholds: generalise.DefaultThresholds(),
			Boot:       r.boot,
		})
		r.learners[c.Name] = rec
		r.model = *c
	}
	if image := imageOf(c); image != "" {
		rec.images[image] = true
	}
	if c.Runtime != "" {
		rec.runtimes[c.Runtime] = true
	}
	rec.learner.Started(s.Began, s.StartSeen)
}

// imageOf returns the reference of a container's image, with its digest if that
// is known.
func imageOf(c *workload.Container) string {
	if c.Image == "" || c.ImageDigest == "" {
		return c.Image
	}
	return c.Image + "@" + c.ImageDigest
}

// Act implements Handler.
func (r *Recorder) Act(s *Subject, ev *event.Event) {
	if !r.learners[s.Container.Name].learner.Observe(ev) {
		return
	}
	p := r.Progress()
	p.Last = time.Now()
	switch ev.Kind {
	case event.KindSyscall:
		p.Syscalls++
	case event.KindExec:
		p.Execs++
	case event.KindOpen:
		p.Opens++
	}
	r.progress.Store(&p)
}

// End implements Handler.
func (r *Recorder) End(s *Subject) {
	l := r.learners[s.Container.Name].learner
	l.Stopped(s.Ended)
	l.Lose(s.Lost)
	p := r.Progress()
	p.Lost += s.Lost
	r.progress.Store(&p)
}

// Document returns the Bill of Behavior that was learned, of all containers of
// the workload together. agent names the program that did it.
func (r *Recorder) Document(agent string) (*profile.Profile, error) {
	document := r.document(nil, profile.Provenance{})
	for i, name := range slices.Sorted(maps.Keys(r.learners)) {
		rec := r.learners[name]
		c := rec.learner.Container()
		c.Name = name
		c.Type = profile.ContainerType(rec.typ)
		c.Images = slices.Sorted(maps.Keys(rec.images))
		provenance := rec.learner.Provenance(time.Now())
		provenance.Runtimes = slices.Sorted(maps.Keys(rec.runtimes))
		provenance.Kernels = []string{host.KernelRelease()}
		provenance.Agents = []string{fmt.Sprintf("%s (%s/%s)", agent, runtime.GOOS, runtime.GOARCH)}
		part := r.document([]profile.Container{c}, provenance)
		part.Spec.Senses = rec.learner.Senses()
		if i == 0 {
			document = part
			continue
		}
		var err error
		if document, err = profile.Merge(document, part); err != nil {
			return nil, err
		}
	}
	return document, nil
}

func (r *Recorder) document(containers []profile.Container, provenance profile.Provenance) *profile.Profile {
	return profile.Normalise(&profile.Profile{
		APIVersion: profile.APIVersion,
		Kind:       profile.Kind,
		Metadata:   profile.Metadata{Name: r.model.Owner.Name},
		Spec: profile.Spec{
			Workload: profile.Workload{
				Namespace: r.model.Namespace,
				Kind:      r.model.Owner.Kind,
				Name:      r.model.Owner.Name,
			},
			Containers: containers,
			Provenance: provenance,
		},
	})
}
