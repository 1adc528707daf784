package agent

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"bobwatch/internal/alert"
	"bobwatch/internal/kubernetes"
	"bobwatch/internal/rule/builtin"
	"bobwatch/internal/sensor"
	"bobwatch/internal/status"
	"bobwatch/internal/workload"
)

// goneGrace is how long the kernel's word that a cgroup was removed is awaited
// after the runtime's.
const goneGrace = 10 * time.Second

// instance is one running container.
type instance struct {
	container workload.Container
	behaviour *behaviour
	subject   alert.Subject
	facts     builtin.Container // for rules
	counts    bool              // its time counts for the window
	ending    bool              // its pod was told to end
	unwatched bool              // the kernel was told to leave it alone
	asking    func()            // ends a question to the API server; nil if there was none
	started   map[uint32]bool   // processes of a plain cgroup, see decide
}

// addNew takes in a container whose cgroup the kernel reported.
func (e *engine) addNew(c *newcomer) {
	if e.instances[c.CgroupID] != nil {
		return
	}
	p := e.takeParked(c.CgroupID)
	if c.Sandbox && !e.config.Learning.Sandboxes {
		e.sensor.Forget(c.CgroupID)
		return
	}
	if c.Runtime == workload.RuntimeCgroup {
		if err := e.sensor.SetPlain(c.CgroupID); err != nil {
			e.log.Warn("watch cgroup", zap.String("cgroup", c.CgroupPath), zap.Error(err))
			return
		}
	}
	in := e.add(c)
	if p != nil {
		e.replay(in, p)
	}
	e.apply(in)
	if p != nil && p.removed {
		e.remove(c.CgroupID)
	}
}

// adopt takes in a container that runs already.
func (e *engine) adopt(n *newcomer, r workload.Resident) {
	if e.instances[r.CgroupID] != nil || r.Sandbox && !e.config.Learning.Sandboxes {
		return
	}
	if p := e.parked.cgroups[r.CgroupID]; p != nil && p.path != "" {
		n.Running = false // its start was seen: the runtime is only late
		e.addNew(n)
		return
	}
	if !e.watchRunning(r) {
		return
	}
	n.Running = true
	early := e.takeParked(r.CgroupID)
	in := e.add(n)
	if early != nil {
		e.replay(in, early)
	}
	e.apply(in)
}

// watchRunning has the kernel watch a running container, and reads what its
// processes are. It reports whether the kernel does.
func (e *engine) watchRunning(r workload.Resident) bool {
	if err := e.markRunning(r); err != nil {
		e.metrics.adoptErrors.Add(1)
		e.log.Error("take over container", zap.String("container", r.ID), zap.Error(err))
		if errors.Is(err, sensor.ErrNotWatched) {
			return false
		}
	}
	for _, pid := range r.PIDs {
		if err := e.processes.AddRunning(pid); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ESRCH) {
			e.log.Debug("read process", zap.Uint32("pid", pid), zap.Error(err))
		}
	}
	return true
}

// markRunning marks the processes of a running container, twice: what those
// that were listed forked before they were marked is not marked by the programs.
func (e *engine) markRunning(r workload.Resident) error {
	plain := r.Container.Runtime == workload.RuntimeCgroup
	runtime := os.Getpid() // any process does where no root tells them apart
	if !plain {
		runtime = e.runtimePID()
	}
	var errs []error
	for range 2 {
		adoption := sensor.Adoption{Cgroup: r.CgroupID, Nested: r.Nested, Runtime: runtime, Plain: plain}
		for _, pid := range r.PIDs {
			adoption.PIDs = append(adoption.PIDs, int(pid))
		}
		errs = append(errs, e.sensor.Adopt(adoption))
		r.PIDs, r.Nested = e.resolver.Members(&r.Container)
	}
	return errors.Join(errs...)
}

// runtimePID is a process that sees what the runtime sees.
func (e *engine) runtimePID() int {
	for _, r := range e.resolver.Runtimes() {
		if r.PID != 0 {
			return int(r.PID)
		}
	}
	return 1
}

// add makes the instance of a container and finds its behaviour.
func (e *engine) add(n *newcomer) *instance {
	c := &n.Container
	in := &instance{container: *c, behaviour: e.behaviourOf(n), subject: subjectOf(n), facts: factsOf(c)}
	e.instances[c.CgroupID] = in
	if !n.described && e.cluster.knows(c) {
		e.describeLater(in)
	}
	in.behaviour.join(in, time.Now())
	e.changed[in.behaviour] = struct{}{}
	e.log.Info("watching container", zap.String("container", c.ID), zap.String("workload", in.behaviour.name),
		zap.Bool("startSeen", !c.Running), zap.String("state", string(in.behaviour.state)))
	return in
}

// factsOf is what rules are asked with.
func factsOf(c *workload.Container) builtin.Container {
	return builtin.Container{Image: c.Runtime != workload.RuntimeCgroup}
}

// subjectOf is whom alerts about the container are about.
func subjectOf(n *newcomer) alert.Subject {
	typ := n.Type
	if typ == workload.TypeRegular {
		typ = ""
	}
	return alert.Subject{
		Workload:  alert.Workload{Namespace: n.Namespace, Kind: n.Owner.Kind, Name: n.Owner.Name},
		Pod:       alert.Pod{Name: n.Pod, UID: n.PodUID, Labels: n.podLabels},
		Container: alert.Container{ID: n.ID, Name: n.Name, Type: typ, Image: n.Image, Digest: n.ImageDigest},
	}
}

// podEnds notes that a pod was told to end. Its containers are told a little
// later: there is no time to ask who owns it.
func (e *engine) podEnds(ctx context.Context, pod kubernetes.PodID) {
	e.post(ctx, func() {
		for _, in := range e.instances {
			if podOf(&in.container) == pod && !in.ending {
				in.behaviour.ends(in)
			}
		}
	})
}

// podChanged takes over what the API server now says of a pod.
func (e *engine) podChanged(ctx context.Context, podUID string) {
	e.post(ctx, func() {
		for _, in := range e.instances {
			if in.container.PodUID == podUID {
				e.describeLater(in)
			}
		}
	})
}

// describeLater takes over what the API server says of the instance's pod as
// soon as it does, unless the container ends before.
func (e *engine) describeLater(in *instance) {
	in.stopAsking()
	ctx, cancel := context.WithCancel(e.lookups.ctx)
	in.asking = cancel
	c := in.container
	go func() {
		defer cancel()
		n, err := e.cluster.ask(ctx, c)
		if err != nil {
			return // that of ctx
		}
		e.post(ctx, func() {
			if e.instances[c.CgroupID] == in {
				e.redescribe(in, n)
			}
		})
	}()
}

func (in *instance) stopAsking() {
	if in.asking != nil {
		in.asking()
	}
}

// redescribe moves the instance to the behaviour it turns out to be one of.
func (e *engine) redescribe(in *instance, n *newcomer) {
	in.container, in.subject = n.Container, subjectOf(n)
	if in.behaviour.key == n.Key() {
		e.obey(in.behaviour, n)
		in.subject.Profile.Completeness = in.behaviour.completeness
		return
	}
	now := time.Now()
	e.part(in, now)
	in.behaviour = e.behaviourOf(n)
	in.behaviour.join(in, now)
	e.changed[in.behaviour] = struct{}{}
	e.apply(in)
}

// part takes the instance from its behaviour.
func (e *engine) part(in *instance, now time.Time) {
	b := in.behaviour
	b.leave(in, now)
	e.changed[b] = struct{}{}
	if len(b.instances) == 0 {
		e.dormant = append(e.dormant, b)
		e.cluster.leave(b)
	}
}

// apply tells the kernel what the instance may do.
func (e *engine) apply(in *instance) {
	b := in.behaviour
	id := in.container.CgroupID
	if !e.watch(in) {
		return
	}
	var err error
	if b.matcher == nil {
		known := b.learner.Known()
		err = e.sensor.Learn(id, sensor.Known{Native: known.Syscalls, Compat: known.CompatSyscalls})
	} else {
		err = e.sensor.Guard(id, sensor.Known{Native: b.matcher.Syscalls(), Compat: b.matcher.CompatSyscalls()})
	}
	in.subject.Profile = alert.Profile{Completeness: b.completeness}
	if err != nil {
		e.metrics.adoptErrors.Add(1)
		e.log.Error("tell kernel", zap.String("container", in.container.ID), zap.Error(err))
	}
}

// watch reports whether the kernel is to watch the instance, and sees that it
// does or does not.
func (e *engine) watch(in *instance) bool {
	id := in.container.CgroupID
	switch off := in.behaviour.state == status.Off; {
	case off && !in.unwatched:
		e.sensor.Forget(id)
		in.unwatched = true
	case !off && in.unwatched:
		r := workload.Resident{Container: in.container}
		r.PIDs, r.Nested = e.resolver.Members(&in.container)
		in.unwatched = !e.watchRunning(r)
	}
	return !in.unwatched
}

func (e *engine) cgroupRemoved(id uint64) {
	if p := e.parked.cgroups[id]; p != nil {
		p.removed = true
		return
	}
	e.remove(id)
}

// remove lets go of a container that ended.
func (e *engine) remove(id uint64) {
	in := e.instances[id]
	if in == nil {
		e.sensor.Forget(id)
		return
	}
	e.countHeld(in)
	in.stopAsking()
	delete(e.instances, id)
	e.sensor.Forget(id)
	e.part(in, time.Now())
	e.log.Info("container ended", zap.String("container", in.container.ID), zap.String("workload", in.behaviour.name))
}

// caughtUp is called when all records that were pending have been read.
func (e *engine) caughtUp() {
	if e.hasStale {
		e.forgetStale()
	}
}

// forgetStale lets go of cgroups that an earlier agent watched and that are no
// container's any more.
func (e *engine) forgetStale() {
	e.hasStale = false
	for id, p := range e.parked.cgroups {
		if p.path == "" {
			e.dropParked(id)
		}
	}
	for _, id := range e.sensor.Watched() {
		if e.instances[id] == nil && e.parked.cgroups[id] == nil {
			e.sensor.Forget(id)
		}
	}
}

// changes follows what the runtimes report, off the engine's goroutine.
func (e *engine) changes(ctx context.Context, c workload.Change) {
	switch c.Kind {
	case workload.Connected:
		e.log.Info("connected to containerd", zap.String("socket", c.Runtime.Socket))
	case workload.Disconnected:
		e.log.Warn("lost containerd", zap.String("socket", c.Runtime.Socket))
	case workload.Found:
		n := e.cluster.identify(ctx, c.Resident.Container)
		e.post(ctx, func() { e.adopt(n, c.Resident) })
	case workload.Gone:
		// The kernel says so too, after the last of the container's events; this
		// is for the case that its record was lost.
		time.AfterFunc(goneGrace, func() { e.post(ctx, func() { e.removeGone(c.Resident.Container) }) })
	}
}

func (e *engine) removeGone(c workload.Container) {
	if in := e.instances[c.CgroupID]; in != nil && in.container.ID == c.ID {
		e.remove(c.CgroupID)
	}
}
