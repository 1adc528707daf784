// Package apiserver asks the API server about containers, and shares with the
// other nodes what this node learns.
//
// Its invariant: nothing in it runs in the engine's goroutine, except calls that
// only hand over work or read memory.
package apiserver

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"bobwatch/internal/behaviour"
	"bobwatch/internal/catalog"
	"bobwatch/internal/kubernetes"
	"bobwatch/internal/status"
	"bobwatch/internal/workload"
)

const (
	// identifyTimeout is how long the API server is waited for about one
	// container. Its news is parked until then.
	identifyTimeout = 3 * time.Second
	// syncPatience is how long after the start the API server is waited for at
	// all, if it has never answered: the runtime's labels have to do then.
	syncPatience = 10 * time.Second
	// loadInterval is how often the profile of one workload container is read,
	// at most, when containers of it start.
	loadInterval = time.Minute
)

// Server is the API server as the agent uses it. A nil Server knows nothing.
type Server struct {
	client  *kubernetes.Client
	pods    *kubernetes.Pods
	learned *kubernetes.Learned // nil if profiles are not shared
	events  *kubernetes.Events
	labels  []string // of pods, that alerts carry
	log     *zap.Logger
	opened  time.Time
	// answered is set once the API server has said anything about a pod.
	answered atomic.Bool

	mu     sync.Mutex
	loaded map[workload.Key]time.Time
}

// Options are the tasks of a Server in addition to answering.
type Options struct {
	Labels []string // of pods, that alerts carry
	// PodChanged, PodEnds and Learned are called when the API server reports a change.
	// Profiles are shared only if Learned is set.
	PodChanged func(podUID string)
	PodEnds    func(kubernetes.PodID)
	Learned    func(workload.Key, kubernetes.Record)
	Log        *zap.Logger
}

// New returns the server that client talks to.
func New(client *kubernetes.Client, o Options) *Server {
	c := &Server{
		client: client,
		events: client.Events(),
		labels: o.Labels,
		log:    o.Log,
		opened: time.Now(),
		loaded: map[workload.Key]time.Time{},
	}
	c.pods = client.Pods(o.PodChanged, o.PodEnds)
	if o.Learned != nil {
		c.learned = client.Learned(o.Learned)
	}
	return c
}

// Run keeps up with the API server until ctx ends. known are the sources of the
// documents that an earlier agent kept.
func (c *Server) Run(ctx context.Context, documents *catalog.Cache, known []string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.pods.Run(ctx) })
	group.Go(func() error { return c.events.Run(ctx) })
	group.Go(func() error { return c.client.WatchDocuments(ctx, known, documents.Publish, documents.Withdraw) })
	if c.learned != nil {
		group.Go(func() error { return c.learned.Run(ctx) })
	}
	return group.Wait()
}

// Identify asks the API server about a container. Without an answer in time it
// uses the runtime's labels, until describeLater.
func (c *Server) Identify(ctx context.Context, container workload.Container) *Newcomer {
	if !c.Knows(&container) || !c.answered.Load() && time.Since(c.opened) > syncPatience {
		return &Newcomer{Container: container}
	}
	ctx, cancel := context.WithTimeout(ctx, identifyTimeout)
	defer cancel()
	n, err := c.Ask(ctx, container)
	if err != nil {
		c.log.Warn("look up pod; its labels in the runtime have to do", zap.String("namespace", container.Namespace),
			zap.String("pod", container.Pod), zap.Error(err))
	}
	return n
}

// Knows reports whether the API server can know the container.
func (c *Server) Knows(container *workload.Container) bool {
	return c != nil && container.PodUID != "" && !container.Sandbox
}

// PodOf names the pod of a container.
func PodOf(c *workload.Container) kubernetes.PodID {
	return kubernetes.PodID{Namespace: c.Namespace, Name: c.Pod, UID: c.PodUID}
}

// Ask waits until the API server has said all about a container, or ctx ends.
func (c *Server) Ask(ctx context.Context, container workload.Container) (*Newcomer, error) {
	n := &Newcomer{Container: container}
	pod, err := c.pods.Lookup(ctx, PodOf(&container))
	if err != nil {
		return n, err
	}
	c.answered.Store(true)
	n.describe(&pod, c.labels)
	c.load(ctx, n)
	return n, nil
}

// maxIdentifying is how many containers are asked about at a time when many are
// taken over.
const maxIdentifying = 16

// IdentifyAll is Identify for many containers.
func (c *Server) IdentifyAll(ctx context.Context, residents []workload.Resident) []*Newcomer {
	newcomers := make([]*Newcomer, len(residents))
	var group errgroup.Group
	group.SetLimit(maxIdentifying)
	for i := range residents {
		group.Go(func() error {
			newcomers[i] = c.Identify(ctx, residents[i].Container)
			return nil
		})
	}
	_ = group.Wait() // Identify returns no error
	return newcomers
}

// Refused says on a ConfigMap why a document in it has no effect.
func (c *Server) Refused(r catalog.Refusal) {
	if c != nil {
		c.events.Refused(r)
	}
}

// load reads the facts that other nodes learned about the newcomer's workload.
func (c *Server) load(ctx context.Context, n *Newcomer) {
	key := n.Key()
	if c.learned == nil || n.Settings.Mode == kubernetes.ModeOff || !c.due(key, time.Now()) {
		return
	}
	var err error
	if n.Learned, n.Predecessor, err = c.learned.Load(ctx, key); err != nil {
		c.forget(key)
		c.log.Warn("load learned profile", zap.Stringer("workload", key), zap.Error(err))
	}
}

// due reports whether the profile of key may be read again, and notes that it is.
func (c *Server) due(key workload.Key, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.loaded[key]) < loadInterval {
		return false
	}
	for k, at := range c.loaded {
		if now.Sub(at) >= loadInterval {
			delete(c.loaded, k)
		}
	}
	c.loaded[key] = now
	return true
}

func (c *Server) forget(key workload.Key) {
	c.mu.Lock()
	delete(c.loaded, key)
	c.mu.Unlock()
}

// Leave ends the interest in what other nodes learn of a workload container.
func (c *Server) Leave(key workload.Key) {
	if c != nil && c.learned != nil {
		c.learned.Forget(key)
	}
}

// Shares reports whether b shares its facts with other nodes. A workload that is
// switched off, such as the agent's own pods, learns nothing.
func (c *Server) Shares(b *behaviour.Behaviour) bool {
	return c != nil && c.learned != nil && b.Owner.OwnerUID != "" && c.learned.Shares(b.Key.Namespace) && b.State != status.Off
}

// Share gives the other nodes what b learned, if it is shared.
func (c *Server) Share(b *behaviour.Behaviour, now time.Time) {
	if c.Shares(b) {
		c.learned.Put(b.Owner, b.Record(now))
	}
}
