package workload

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

// DefaultSockets are where the distributions put containerd's socket.
var DefaultSockets = []string{
	"/run/containerd/containerd.sock",
	"/run/k3s/containerd/containerd.sock",
	"/run/k0s/containerd.sock",
	"/var/snap/microk8s/common/run/containerd.sock",
}

// Options configure a Resolver. The zero value finds everything by itself.
type Options struct {
	// CgroupRoot is where the v2 hierarchy is mounted; it is found if empty.
	CgroupRoot string
	// Sockets are those of the containerds to ask; DefaultSockets if nil. One
	// that does not exist is waited for. An empty list that is not nil asks none.
	Sockets []string
	// Patterns are path.Match patterns over the paths of cgroups, such as
	// "/system.slice/*.service": a cgroup that matches is a workload unless a
	// runtime knows better.
	Patterns []string
	// Patience is how long Resolve waits for a record of a cgroup whose name
	// looks like a container's; 3 s if 0.
	Patience time.Duration
	// MaxLookups bounds the questions asked of the runtimes at one time; 16 if 0.
	MaxLookups int
	// MaxWaiting bounds the calls of Resolve that wait for a record to appear,
	// 1024 if 0. One more is answered after one attempt.
	MaxWaiting int
	Logger     *zap.Logger // none if nil
}

// Stats are counters since the Resolver was made.
type Stats struct {
	Resolved   uint64 // cgroups found to be a container
	Unknown    uint64 // cgroups that belong to no container
	TimedOut   uint64 // of Unknown: named like a container, but no record came in time
	Impostors  uint64 // records found by a cgroup's name that name another cgroup
	Unwaited   uint64 // answered without waiting because MaxWaiting were waiting
	Errors     uint64 // questions a runtime failed to answer
	Reconnects uint64 // connections made to a runtime, the first included
	InFlight   int64  // calls of Resolve under way
}

// counters is Stats while it is counted.
type counters struct {
	resolved, unknown, timedOut, impostors atomic.Uint64
	unwaited, errors, reconnects           atomic.Uint64
	inFlight                               atomic.Int64
}

// cgroup is a cgroup as the kernel reported it.
type cgroup struct {
	id       uint64
	reported string
	local    string // the path below the hierarchy's root; empty if not known
}

// verdict is the answer of a source about a cgroup at one moment. If sources differ, the
// greatest verdict counts.
type verdict uint8

const (
	nobody   verdict = iota // this source will never know the cgroup
	impostor                // a container has the cgroup's name, but lives in another cgroup
	unknown                 // no container has the cgroup's name yet
	known
)

// source knows containers.
type source interface {
	// resolve looks once for the container whose cgroup cg is. The container is
	// valid if the verdict is known. With an error the verdict is unknown.
	resolve(ctx context.Context, cg cgroup) (Container, verdict, error)
	// running returns the containers that have processes.
	running(ctx context.Context) ([]Resident, error)
}

// Resolver asks the runtimes, and after them the configured patterns, which
// container a cgroup is. It is safe for concurrent use.
type Resolver struct {
	options    Options
	hierarchy  *hierarchy
	containerd []*containerd
	patterns   source
	lookups    *semaphore.Weighted
	counters   counters
}

// New returns a Resolver that is not connected to any runtime yet.
func New(options Options) (*Resolver, error) {
	options = options.withDefaults()
	h, err := openHierarchy(options.CgroupRoot)
	if err != nil {
		return nil, err
	}
	patterns, err := newPatterns(options.Patterns, h)
	if err != nil {
		return nil, err
	}
	options.Logger.Info("cgroup hierarchy opened",
		zap.String("root", h.root), zap.Bool("whole", h.rootID == rootCgroupID))
	r := &Resolver{
		options:   options,
		hierarchy: h,
		patterns:  patterns,
		lookups:   semaphore.NewWeighted(int64(options.MaxLookups)),
	}
	for _, socket := range options.Sockets {
		c, err := newContainerd(socket, h, &r.counters)
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
		r.containerd = append(r.containerd, c)
	}
	return r, nil
}

func (o Options) withDefaults() Options {
	if o.Sockets == nil {
		o.Sockets = DefaultSockets
	}
	if o.Patience == 0 {
		o.Patience = 3 * time.Second
	}
	if o.MaxLookups == 0 {
		o.MaxLookups = 16
	}
	if o.MaxWaiting == 0 {
		o.MaxWaiting = 1024
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	return o
}

// Close ends the connections. Run must have returned.
func (r *Resolver) Close() error {
	var errs []error
	for _, c := range r.containerd {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}

// Run keeps the connections to the runtimes and calls report with their news
// until ctx ends. Calls of report come from one goroutine per runtime and
// delay that runtime's news. Resolve and Running work without Run, but then nothing finds
// containers that they missed.
func (r *Resolver) Run(ctx context.Context, report func(Change)) error {
	var g errgroup.Group
	for _, c := range r.containerd {
		log := r.options.Logger.With(zap.String("socket", c.socket))
		g.Go(func() error {
			c.watch(ctx, log, report)
			return nil
		})
	}
	return g.Wait()
}

// Resolve returns the container whose own cgroup has the id and the path that
// the kernel reported, and whether there is one. A path that lost its
// beginning begins without a slash. It waits for the runtime's record while the
// name looks like a container's. An error means that a runtime could not be
// asked; if the container turns out to run, Run reports it as Found.
func (r *Resolver) Resolve(ctx context.Context, cgroupID uint64, cgroupPath string) (Container, bool, error) {
	r.counters.inFlight.Add(1)
	defer r.counters.inFlight.Add(-1)
	cg := cgroup{id: cgroupID, reported: cgroupPath}
	cg.local, _ = r.hierarchy.local(cgroupID, cgroupPath)

	c, ok, err := r.await(ctx, cg)
	if !ok {
		if matched, v, _ := r.patterns.resolve(ctx, cg); v == known {
			c, ok, err = matched, true, nil
		}
	}
	if !ok {
		r.counters.unknown.Add(1)
		if err != nil {
			r.counters.errors.Add(1)
			return Container{}, false, fmt.Errorf("resolve cgroup %d: %w", cgroupID, err)
		}
		return Container{}, false, nil
	}
	r.counters.resolved.Add(1)
	c.StartedAt = time.Now()
	return c, true, nil
}

// The pauses between attempts: a record appears 1-2 ms after its cgroup.
const (
	firstPause = time.Millisecond
	maxPause   = 200 * time.Millisecond
	// doubt replaces Options.Patience for a name that only might be a container's.
	doubt = 50 * time.Millisecond
)

// await asks the runtimes until one knows cg or patience ends.
func (r *Resolver) await(ctx context.Context, cg cgroup) (Container, bool, error) {
	id := candidate(cg.reported)
	if id == "" || len(r.containerd) == 0 {
		return Container{}, false, nil
	}
	start, patience := time.Now(), doubt
	likely := isHexID(id)
	if likely {
		patience = r.options.Patience
	}
	waiting := r.counters.inFlight.Load() <= int64(r.options.MaxWaiting)
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		c, v, err := r.ask(ctx, cg)
		if v == impostor {
			patience = min(patience, doubt)
		}
		switch {
		case v == known:
			return c, true, nil
		case v == nobody:
			return Container{}, false, nil
		case !waiting:
			r.counters.unwaited.Add(1)
			return Container{}, false, err
		case time.Since(start)+pause > patience:
			r.giveUp(v, likely)
			return Container{}, false, err
		}
		select {
		case <-ctx.Done():
			return Container{}, false, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// giveUp counts why nobody was found.
func (r *Resolver) giveUp(v verdict, likely bool) {
	switch {
	case v == impostor:
		r.counters.impostors.Add(1)
	case likely:
		r.counters.timedOut.Add(1)
	}
}

// ask asks every runtime once.
func (r *Resolver) ask(ctx context.Context, cg cgroup) (Container, verdict, error) {
	if err := r.lookups.Acquire(ctx, 1); err != nil {
		return Container{}, unknown, err
	}
	defer r.lookups.Release(1)
	var errs []error
	best := nobody
	for _, s := range r.containerd {
		c, v, err := s.resolve(ctx, cg)
		if v == known {
			return c, known, nil
		}
		best = max(best, v)
		errs = append(errs, err)
	}
	return Container{}, best, errors.Join(errs...)
}

// Running returns the containers that have processes now. The error names runtimes that
// did not answer; Running still returns the containers of the others.
func (r *Resolver) Running(ctx context.Context) ([]Resident, error) {
	var all []Resident
	var errs []error
	taken := make(map[uint64]bool)
	for _, s := range r.sources() {
		residents, err := s.running(ctx)
		errs = append(errs, err)
		for _, resident := range residents {
			if taken[resident.CgroupID] {
				continue
			}
			taken[resident.CgroupID] = true
			all = append(all, resident)
		}
	}
	return all, errors.Join(errs...)
}

// sources lists those whose word counts more first.
func (r *Resolver) sources() []source {
	var all []source
	for _, c := range r.containerd {
		all = append(all, c)
	}
	return append(all, r.patterns)
}

// Members returns the processes in a container's cgroup and in those nested in
// it, and the ids of the nested ones, as they are now.
func (r *Resolver) Members(c *Container) (pids []uint32, nested []uint64) {
	return r.hierarchy.members(c.CgroupPath)
}

// Runtimes returns the runtimes that are connected.
func (r *Resolver) Runtimes() []Runtime {
	var all []Runtime
	for _, c := range r.containerd {
		if rt, ok := c.runtime(); ok {
			all = append(all, rt)
		}
	}
	return all
}

// Stats returns the counters.
func (r *Resolver) Stats() Stats {
	c := &r.counters
	return Stats{
		Resolved:   c.resolved.Load(),
		Unknown:    c.unknown.Load(),
		TimedOut:   c.timedOut.Load(),
		Impostors:  c.impostors.Load(),
		Unwaited:   c.unwaited.Load(),
		Errors:     c.errors.Load(),
		Reconnects: c.reconnects.Load(),
		InFlight:   c.inFlight.Load(),
	}
}
