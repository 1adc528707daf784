package agent

import (
	"context"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"bobwatch/internal/agent/apiserver"
	"bobwatch/internal/agent/metrics"
	"bobwatch/internal/agent/notice"
	"bobwatch/internal/alert"
	"bobwatch/internal/behaviour"
	"bobwatch/internal/event"
	"bobwatch/internal/kubernetes"
	"bobwatch/internal/parking"
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
	behaviour.Instance
	behaviour *entry
	subject   alert.Subject
	facts     builtin.Container // for rules
	unwatched bool              // the kernel was told to leave it alone
	asking    func()            // ends a question to the API server; nil if there was none
	started   map[uint32]bool   // processes of a plain cgroup, see decide
	files     map[uint64]file   // what programs' names led to, see bind
	marked    bool              // its sensitive files are known to the kernel, or looked for
}

// containers are those that run, and the cgroups that may turn out to be some.
// It belongs to the engine's goroutine.
type containers struct {
	ctx       context.Context // of the agent; questions end with it
	post      func(context.Context, func())
	act       func(*instance, *event.Event)
	sandboxes bool // are watched, too
	log       *zap.Logger
	resolver  *workload.Resolver
	cluster   *apiserver.Server
	watcher   *watcher
	workloads *workloads
	metrics   *metrics.Counters

	byCgroup map[uint64]*instance
	parked   *parking.Lot
	adopted  bool // what ran at the start is taken over
	stale    bool // cgroups of an earlier agent may be watched still
	unseen   bool // sockets of containers taken over are older than the agent

	apiServers []netip.AddrPort // of the Kubernetes API

	unannounced atomic.Bool // an event came of a cgroup that nobody announced
}

// created asks whose a new cgroup is, and parks its news until then.
func (c *containers) created(id uint64, path string) {
	if c.byCgroup[id] == nil {
		c.parked.Open(id, path, uint64(c.watcher.Began()))
		c.ask()
	}
}

// ask asks about as many cgroups as may be asked about at a time.
func (c *containers) ask() {
	for {
		id, path, ok := c.parked.Next()
		if !ok {
			return
		}
		go c.lookUp(id, path)
	}
}

func (c *containers) lookUp(id uint64, path string) {
	container, ok, err := c.resolver.Resolve(c.ctx, id, path)
	var n *apiserver.Newcomer
	if ok {
		n = c.cluster.Identify(c.ctx, container)
	}
	c.post(c.ctx, func() {
		c.parked.Answered(id)
		c.ask()
		switch {
		case ok:
			c.addNew(n)
		case err != nil:
			c.log.Debug("cgroup not resolved", zap.String("cgroup", path), zap.Error(err))
		default:
			c.dropParked(id)
		}
	})
}

// park keeps an event of a cgroup that is not attributed yet. One that was not
// announced may be a container's nevertheless: the kernel went on watching while
// no agent ran, and its record of a new cgroup may be lost. See reconcile.
func (c *containers) park(ev *event.Event) {
	if c.parked.Get(ev.Cgroup) == nil {
		c.parked.Hold(ev.Cgroup, uint64(c.watcher.Began()))
		c.unannounced.Store(c.adopted)
	}
	switch c.parked.Keep(ev) {
	case parking.Unknown:
		c.metrics.Unattributed.Add(1)
	case parking.Full:
		c.metrics.ParkedLost.Add(1)
	case parking.Kept:
	}
}

// dropParked says that a cgroup is no workload's.
func (c *containers) dropParked(id uint64) {
	if p := c.parked.Take(id); p != nil {
		c.metrics.Unattributed.Add(uint64(len(p.Events)))
		c.watcher.Forget(id)
	}
}

// replay handles the parked events of a container, oldest first.
func (c *containers) replay(in *instance, p *parking.Cgroup) {
	if p == nil {
		return
	}
	for _, ev := range p.Events {
		c.act(in, ev)
	}
	b := in.behaviour
	b.Lose(p.Lost)
	c.workloads.settle(b)
	if b.State == status.Guarded && p.Lost > 0 {
		held := sensor.Held{News: p.Lost - p.Execs, Execs: p.Execs}
		b.account.Raise(c.workloads.alerts, notice.Held(in.about(c.workloads.node), held))
	}
}

// addNew takes in a container whose cgroup the kernel reported.
func (c *containers) addNew(n *apiserver.Newcomer) {
	id := n.CgroupID
	if c.byCgroup[id] != nil {
		return
	}
	p := c.parked.Take(id)
	if n.Sandbox && !c.sandboxes {
		c.watcher.Forget(id)
		return
	}
	if n.Runtime == workload.RuntimeCgroup {
		if err := c.watcher.SetPlain(id); err != nil {
			c.log.Warn("watch cgroup", zap.String("cgroup", n.CgroupPath), zap.Error(err))
			return
		}
	}
	in := c.add(n)
	c.replay(in, p)
	c.watcher.apply(in)
	if p != nil && p.Removed {
		c.remove(id)
	}
}

// adopt takes in a container that runs already.
func (c *containers) adopt(n *apiserver.Newcomer, r workload.Resident) {
	if c.byCgroup[r.CgroupID] != nil || r.Sandbox && !c.sandboxes {
		return
	}
	if p := c.parked.Get(r.CgroupID); p != nil && p.Path != "" {
		n.Running = false // its start was seen: the runtime is only late
		c.addNew(n)
		return
	}
	if !c.watcher.adopt(r) {
		return
	}
	n.Running = true
	early := c.parked.Take(r.CgroupID)
	in := c.add(n)
	c.replay(in, early)
	c.watcher.apply(in)
	if len(r.PIDs) > 0 {
		c.markSensitive(in, r.PIDs[0])
	}
	c.unseen = true
}

// add makes the instance of a container and finds its workload.
func (c *containers) add(n *apiserver.Newcomer) *instance {
	in := &instance{Instance: behaviour.Instance{Container: n.Container}, behaviour: c.workloads.of(n), subject: subjectOf(n), facts: factsOf(&n.Container, c.apiServers), files: map[uint64]file{}}
	c.byCgroup[n.CgroupID] = in
	if !n.Described && c.cluster.Knows(&n.Container) {
		c.describeLater(in)
	}
	c.workloads.join(in.behaviour, &in.Instance)
	c.log.Info("watching container", zap.String("container", n.ID), zap.String("workload", in.behaviour.Name),
		zap.Bool("startSeen", !n.Running), zap.String("state", string(in.behaviour.State)))
	return in
}

// factsOf returns the facts about a container that rules use.
func factsOf(k *workload.Container, apiServers []netip.AddrPort) builtin.Container {
	return builtin.Container{
		Image: k.Runtime != workload.RuntimeCgroup, ID: k.ID, Name: k.Name,
		Namespace: k.Namespace, Pod: k.Pod, Labels: k.Labels, APIServers: apiServers,
	}
}

// apiServers returns the addresses of the Kubernetes API, from the environment of
// the pod.
func apiServers() []netip.AddrPort {
	address, err := netip.ParseAddrPort(net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")))
	if err != nil {
		return nil // not in a cluster
	}
	return []netip.AddrPort{address}
}

// about names the instance for a notice.
func (in *instance) about(node string) notice.About {
	return notice.About{Node: node, Name: in.behaviour.Name, Subject: &in.subject}
}

// subjectOf returns the subject of alerts about the container.
func subjectOf(n *apiserver.Newcomer) alert.Subject {
	typ := n.Type
	if typ == workload.TypeRegular {
		typ = ""
	}
	return alert.Subject{
		Workload:  alert.Workload{Namespace: n.Namespace, Kind: n.Owner.Kind, Name: n.Owner.Name},
		Pod:       alert.Pod{Name: n.Pod, UID: n.PodUID, Labels: n.PodLabels},
		Container: alert.Container{ID: n.ID, Name: n.Name, Type: typ, Image: n.Image, Digest: n.ImageDigest},
	}
}

// podEnds notes that a pod is being deleted. Its containers get the signal a little
// later, so there is no time to ask for the owner of the pod.
func (c *containers) podEnds(pod kubernetes.PodID) {
	for _, in := range c.byCgroup {
		if apiserver.PodOf(&in.Container) == pod {
			in.behaviour.Ends(&in.Instance, time.Now())
		}
	}
}

// podChanged applies a change that the API server reports of a pod.
func (c *containers) podChanged(podUID string) {
	for _, in := range c.byCgroup {
		if in.Container.PodUID == podUID {
			c.describeLater(in)
		}
	}
}

// describeLater applies the API server's record of the instance's pod as soon as it
// arrives, unless the container ends before.
func (c *containers) describeLater(in *instance) {
	in.stopAsking()
	ctx, cancel := context.WithCancel(c.ctx)
	in.asking = cancel
	container := in.Container
	go func() {
		defer cancel()
		n, err := c.cluster.Ask(ctx, container)
		if err != nil {
			return // that of ctx
		}
		c.post(ctx, func() {
			if c.byCgroup[container.CgroupID] == in {
				c.redescribe(in, n)
			}
		})
	}()
}

func (in *instance) stopAsking() {
	if in.asking != nil {
		in.asking()
	}
}

// redescribe moves the instance to the workload that it turns out to be of.
func (c *containers) redescribe(in *instance, n *apiserver.Newcomer) {
	completeness := in.subject.Profile
	in.Container, in.subject = n.Container, subjectOf(n)
	in.subject.Profile = completeness
	in.facts = factsOf(&n.Container, c.apiServers)
	if in.behaviour.Key == n.Key() {
		in.behaviour.Obey(n.Settings, n.Subject, time.Now())
		c.workloads.settle(in.behaviour)
		return
	}
	c.workloads.part(in.behaviour, &in.Instance)
	in.behaviour = c.workloads.of(n)
	c.workloads.join(in.behaviour, &in.Instance)
	c.watcher.apply(in)
}

// apply writes the allowed acts of all instances of a workload to the kernel.
func (c *containers) apply(b *entry) {
	for _, in := range c.byCgroup {
		if in.behaviour == b {
			c.watcher.apply(in)
		}
	}
}

// removed notes that the kernel removed a cgroup.
func (c *containers) removed(id uint64) {
	if p := c.parked.Get(id); p != nil {
		p.Removed = true
		return
	}
	c.remove(id)
}

// remove lets go of a container that ended.
func (c *containers) remove(id uint64) {
	in := c.byCgroup[id]
	if in == nil {
		c.watcher.Forget(id)
		return
	}
	c.countHeld(in)
	in.stopAsking()
	delete(c.byCgroup, id)
	c.watcher.Forget(id)
	c.workloads.part(in.behaviour, &in.Instance)
	c.log.Info("container ended", zap.String("container", in.Container.ID), zap.String("workload", in.behaviour.Name))
}

// tick does work that is due by time.
func (c *containers) tick() {
	if c.unseen {
		c.unseen = false
		c.watcher.adoptSockets() // one walk over the node's files, for all containers
	}
	for _, in := range c.byCgroup {
		c.countHeld(in)
	}
	for _, id := range c.parked.Expired() {
		c.dropParked(id)
	}
	cgroups, events := c.parked.Len()
	c.metrics.Parked.Store(int64(cgroups))
	c.metrics.ParkedEvents.Store(int64(events))
}

// countHeld counts the records of a container that the kernel could not send.
func (c *containers) countHeld(in *instance) {
	held := c.watcher.TakeHeld(in.Container.CgroupID)
	b := in.behaviour
	b.Lose(held.Total())
	c.workloads.settle(b)
	if b.State == status.Guarded && held.News+held.Execs > 0 {
		b.account.Raise(c.workloads.alerts, notice.Held(in.about(c.workloads.node), held))
	}
}

// caughtUp is called when all records that were pending have been read. The
// first time after the start it lets go of cgroups that an earlier agent watched
// and that are no container's any more.
func (c *containers) caughtUp() {
	if !c.stale {
		return
	}
	c.stale = false
	for _, id := range c.parked.Inherited() {
		c.dropParked(id)
	}
	for _, id := range c.watcher.Watched() {
		if c.byCgroup[id] == nil && c.parked.Get(id) == nil {
			c.watcher.Forget(id)
		}
	}
}

// changes handles a change that a runtime reports, off the engine's goroutine.
func (c *containers) changes(ctx context.Context, change workload.Change) {
	switch change.Kind {
	case workload.Connected:
		c.log.Info("connected to containerd", zap.String("socket", change.Runtime.Socket))
	case workload.Disconnected:
		c.log.Warn("lost containerd", zap.String("socket", change.Runtime.Socket))
	case workload.Found:
		n := c.cluster.Identify(ctx, change.Resident.Container)
		c.post(ctx, func() { c.adopt(n, change.Resident) })
	case workload.Gone:
		// The kernel says so too, after the last of the container's events; this
		// is for the case that its record was lost.
		time.AfterFunc(goneGrace, func() { c.post(ctx, func() { c.removeGone(&change.Resident.Container) }) })
	}
}

func (c *containers) removeGone(gone *workload.Container) {
	if in := c.byCgroup[gone.CgroupID]; in != nil && in.Container.ID == gone.ID {
		c.remove(gone.CgroupID)
	}
}
