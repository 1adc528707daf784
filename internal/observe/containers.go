package observe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"bobwatch/internal/event"
	"bobwatch/internal/sensor"
	"bobwatch/internal/workload"
)

// The bounds of the events of new cgroups that are kept until they are attributed to a
// container.
const (
	maxPending       = 256
	maxPendingEvents = 4096 // of one cgroup
)

// ErrNotFound is wrapped by the error of Run if no container of the target runs
// on this machine.
var ErrNotFound = errors.New("no such container runs on this machine")

// containers observes the containers of a target: those that run, and those
// that appear, as at a restart.
type containers struct {
	target   Target
	resolver *workload.Resolver
	pending  map[uint64]*pending
	only     uint64        // cgroup of the only container there can be, if there can be only one
	gone     chan struct{} // closed when that has ended
}

// pending is a new cgroup about which a runtime is being asked.
type pending struct {
	events  []*event.Event
	lost    uint64
	removed bool
}

// Containers returns an Observer of the containers of a target. sockets are
// those of the containerds to ask, nil for the usual places.
func Containers(target Target, sockets []string) (*Observer, error) {
	options := workload.Options{Sockets: sockets}
	if target.Cgroup != "" {
		options.Patterns = []string{escapePattern(target.Cgroup)}
	}
	resolver, err := workload.New(options)
	if err != nil {
		return nil, err
	}
	return open(&containers{target: target, resolver: resolver, pending: map[uint64]*pending{}, gone: make(chan struct{})})
}

// escapePattern returns a path.Match pattern for exactly one path.
func escapePattern(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func (c *containers) run(ctx context.Context, o *Observer) error {
	residents, err := c.resolver.Running(ctx)
	found := slices.DeleteFunc(slices.Clone(residents), func(r workload.Resident) bool { return !c.target.matches(&r.Container) })
	if len(found) == 0 && !c.target.Expected {
		return errors.Join(fmt.Errorf("%s: %w%s", &c.target, ErrNotFound, others(residents)), err)
	}
	if c.target.Container != "" && len(found) > 1 {
		return fmt.Errorf("%s: %d containers are called so%s", &c.target, len(found), others(found))
	}
	for _, r := range found {
		if err := o.do(ctx, func() error { return c.adopt(o, r) }); err != nil {
			return fmt.Errorf("observe container %s: %w", r.ID, err)
		}
	}
	select {
	case <-ctx.Done():
	case <-c.gone:
	}
	return nil
}

// others lists containers for a user whose flags match none of them.
func others(residents []workload.Resident) string {
	const listed = 10
	var b strings.Builder
	for i, r := range residents {
		if i == listed {
			fmt.Fprintf(&b, "\n  and %d more", len(residents)-listed)
			break
		}
		if r.Sandbox {
			continue
		}
		fmt.Fprintf(&b, "\n  %.12s  %s/%s/%s", r.ID, r.Namespace, r.Owner.Kind, r.Owner.Name)
		if r.Pod != "" {
			fmt.Fprintf(&b, "  pod %s container %s", r.Pod, r.Name)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "; there are:" + b.String()
}

// adopt observes a container that runs already.
func (c *containers) adopt(o *Observer, r workload.Resident) error {
	if c.target.Container != "" {
		c.only = r.CgroupID
	}
	if o.subjects[r.CgroupID] != nil {
		return nil
	}
	if p := c.pending[r.CgroupID]; p != nil {
		return c.take(o, r.Container, p) // it has just started
	}
	if err := c.watchRunning(o, r); err != nil {
		return err
	}
	if err := o.begin(&Subject{Container: r.Container, PIDs: r.PIDs}, nil); err != nil {
		return err
	}
	return o.sensor.AdoptSockets()
}

// watchRunning marks the processes of a running container, twice, because a child forked
// between listing and marking would be missed.
func (c *containers) watchRunning(o *Observer, r workload.Resident) error {
	plain := r.Runtime == workload.RuntimeCgroup
	var errs []error
	for range 2 {
		adoption := sensor.Adoption{Cgroup: r.CgroupID, Nested: r.Nested, Runtime: c.runtimePID(plain), Plain: plain}
		for _, pid := range r.PIDs {
			adoption.PIDs = append(adoption.PIDs, int(pid))
		}
		errs = append(errs, o.sensor.Adopt(adoption))
		r.PIDs, r.Nested = c.resolver.Members(&r.Container)
	}
	return errors.Join(errs...)
}

// runtimePID returns a process in the runtime's mount namespace. For a plain cgroup any
// process will do, because its workload has no root of its own.
func (c *containers) runtimePID(plain bool) int {
	if plain {
		return os.Getpid()
	}
	for _, r := range c.resolver.Runtimes() {
		if r.PID != 0 {
			return int(r.PID)
		}
	}
	return 1
}

// created asks whose the new cgroup is, and keeps its news until then.
func (c *containers) created(ctx context.Context, o *Observer, ev *event.Event) {
	if c.only != 0 || len(c.pending) >= maxPending {
		o.sensor.Forget(ev.Cgroup)
		return
	}
	id, path := ev.Cgroup, string(ev.Path)
	c.pending[id] = &pending{}
	go func() {
		found, ok, err := c.resolver.Resolve(ctx, id, path)
		_ = o.do(ctx, func() error { // the error is that ctx has ended
			p := c.pending[id]
			delete(c.pending, id)
			if p == nil {
				return nil
			}
			if err != nil || !ok || !c.target.matches(&found) {
				o.sensor.Forget(id)
				return nil
			}
			return c.take(o, found, p)
		})
	}()
}

// take observes a container from its start. Acts of a service from before it was known
// as one cannot be distinguished from acts of the service manager that started it.
func (c *containers) take(o *Observer, found workload.Container, p *pending) error {
	delete(c.pending, found.CgroupID)
	plain := found.Runtime == workload.RuntimeCgroup
	if plain {
		if err := o.sensor.SetPlain(found.CgroupID); err != nil {
			return err
		}
	}
	err := o.begin(&Subject{Container: found, StartSeen: !plain, Lost: p.lost}, p.events)
	if p.removed {
		o.end(found.CgroupID)
		c.removed(o, found.CgroupID)
	}
	return err
}

func (c *containers) act(ev *event.Event) {
	p := c.pending[ev.Cgroup]
	switch {
	case p == nil:
	case len(p.events) >= maxPendingEvents:
		p.lost++
	default:
		p.events = append(p.events, ev.Clone())
	}
}

func (c *containers) removed(o *Observer, cgroup uint64) {
	if p := c.pending[cgroup]; p != nil {
		p.removed = true
		return
	}
	if cgroup == c.only {
		close(c.gone)
	}
	o.sensor.Forget(cgroup)
}

func (c *containers) close() error { return c.resolver.Close() }
