package agent

import (
	"cmp"
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

// cluster asks the API server about containers, and shares with the other nodes
// what is learned. A nil cluster knows nothing.
type cluster struct {
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

// connect returns the API server's client, which asks nothing yet; nil if the
// configuration wants no cluster.
func (a *agent) connect() (*kubernetes.Client, error) {
	k := a.config.Kubernetes
	if !k.Enabled {
		return nil, nil
	}
	kubernetes.LogTo(a.log.Named("kubernetes"))
	own := kubernetes.OwnNamespace()
	// Pods next to the agents may choose not to be watched, as the agents do.
	settings := []kubernetes.SettingsRule{{Namespace: own, Allow: []string{kubernetes.ChoiceOff}}}
	for _, s := range k.Settings {
		settings = append(settings, kubernetes.SettingsRule(s))
	}
	return kubernetes.Connect(kubernetes.Options{
		LearnedNamespace: cmp.Or(k.LearnedNamespace, own),
		Settings:         settings,
		Kubeconfig:       k.Kubeconfig,
		Node:             a.config.Node,
		Namespaces:       k.Namespaces,
		Version:          Version,
		Log:              a.log.Named("kubernetes"),
		Registerer:       a.registry,
	})
}

// openCluster makes the parts; none without a client.
func (a *agent) openCluster(client *kubernetes.Client) *cluster {
	if client == nil {
		return nil
	}
	k := a.config.Kubernetes
	c := &cluster{
		client: client,
		events: client.Events(),
		labels: k.Labels,
		log:    a.log.Named("kubernetes"),
		opened: time.Now(),
		loaded: map[workload.Key]time.Time{},
	}
	c.pods = client.Pods(
		func(podUID string) { a.post(func(c *containers) { c.podChanged(podUID) }) },
		func(pod kubernetes.PodID) { a.post(func(c *containers) { c.podEnds(pod) }) },
	)
	if k.LearnedProfiles {
		c.learned = client.Learned(func(key workload.Key, r kubernetes.Record) {
			a.post(func(c *containers) { c.workloads.learnedElsewhere(key, &r) })
		})
	}
	return c
}

// post hands f to the engine, once that runs.
func (a *agent) post(f func(*containers)) {
	c := a.engine.containers
	c.post(c.ctx, func() { f(c) })
}

// run keeps up with the API server until ctx ends. known are the sources of the
// documents that an earlier agent kept.
func (c *cluster) run(ctx context.Context, documents *catalog.Cache, known []string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.pods.Run(ctx) })
	group.Go(func() error { return c.events.Run(ctx) })
	group.Go(func() error { return c.client.WatchDocuments(ctx, known, documents.Publish, documents.Withdraw) })
	if c.learned != nil {
		group.Go(func() error { return c.learned.Run(ctx) })
	}
	return group.Wait()
}

// identify finds out about a container what the API server knows. Without an
// answer in time the runtime's labels have to do, until describeLater.
func (c *cluster) identify(ctx context.Context, container workload.Container) *newcomer {
	if !c.knows(&container) || !c.answered.Load() && time.Since(c.opened) > syncPatience {
		return &newcomer{Container: container}
	}
	ctx, cancel := context.WithTimeout(ctx, identifyTimeout)
	defer cancel()
	n, err := c.ask(ctx, container)
	if err != nil {
		c.log.Warn("look up pod; its labels in the runtime have to do", zap.String("namespace", container.Namespace),
			zap.String("pod", container.Pod), zap.Error(err))
	}
	return n
}

// knows reports whether the API server can know the container.
func (c *cluster) knows(container *workload.Container) bool {
	return c != nil && container.PodUID != "" && !container.Sandbox
}

func podOf(c *workload.Container) kubernetes.PodID {
	return kubernetes.PodID{Namespace: c.Namespace, Name: c.Pod, UID: c.PodUID}
}

// ask waits until the API server has said all about a container, or ctx ends.
func (c *cluster) ask(ctx context.Context, container workload.Container) (*newcomer, error) {
	n := &newcomer{Container: container}
	pod, err := c.pods.Lookup(ctx, podOf(&container))
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

// identifyAll is identify for many containers.
func (c *cluster) identifyAll(ctx context.Context, residents []workload.Resident) []*newcomer {
	newcomers := make([]*newcomer, len(residents))
	var group errgroup.Group
	group.SetLimit(maxIdentifying)
	for i := range residents {
		group.Go(func() error {
			newcomers[i] = c.identify(ctx, residents[i].Container)
			return nil
		})
	}
	_ = group.Wait() // identify returns no error
	return newcomers
}

// refused says on a ConfigMap why a document in it has no effect.
func (c *cluster) refused(r catalog.Refusal) {
	if c != nil {
		c.events.Refused(r)
	}
}

// load asks what other nodes learned of the newcomer's workload.
func (c *cluster) load(ctx context.Context, n *newcomer) {
	key := n.Key()
	if c.learned == nil || n.settings.Mode == kubernetes.ModeOff || !c.due(key, time.Now()) {
		return
	}
	var err error
	if n.learned, n.predecessor, err = c.learned.Load(ctx, key); err != nil {
		c.forget(key)
		c.log.Warn("load learned profile", zap.Stringer("workload", key), zap.Error(err))
	}
}

// due reports whether the profile of key may be read again, and notes that it is.
func (c *cluster) due(key workload.Key, now time.Time) bool {
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

func (c *cluster) forget(key workload.Key) {
	c.mu.Lock()
	delete(c.loaded, key)
	c.mu.Unlock()
}

// leave ends the interest in what other nodes learn of b.
func (c *cluster) leave(b *entry) {
	if c != nil && c.learned != nil {
		c.learned.Forget(b.Key)
	}
}

// shares reports whether what b learns is shared with other nodes. One that is
// switched off, as the agent's own pods are, learns nothing.
func (c *cluster) shares(b *behaviour.Behaviour) bool {
	return c != nil && c.learned != nil && b.Owner.OwnerUID != "" && c.learned.Shares(b.Key.Namespace) && b.State != status.Off
}
