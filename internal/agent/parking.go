package agent

import (
	"context"
	"time"

	"go.uber.org/zap"

	"bobwatch/internal/event"
	"bobwatch/internal/workload"
)

// The bounds of what is kept of cgroups that may turn out to be containers.
const (
	maxParkedEvents = 2048 // of one cgroup
	maxParkedTotal  = 16384
	maxParkedBytes  = 8 << 20 // paths and arguments of all of them
	maxParkedFor    = time.Minute
	maxLookups      = 128
)

// parking keeps the news of new cgroups until it is known whose they are.
type parking struct {
	cgroups map[uint64]*parkedCgroup
	total   int // events of all of them
	bytes   int
}

type parkedCgroup struct {
	path     string // empty for one that an earlier agent watched
	since    time.Time
	events   []*event.Event
	bytes    int
	lost     uint64
	removed  bool // the cgroup is gone already; its container may still be known
	answered bool // the runtime could not say; it may report the container later
}

// lookups bounds the questions about cgroups that are under way.
type lookups struct {
	running int
	waiting []uint64
	ctx     context.Context // of the agent; lookups end with it
}

// cgroupCreated asks whose the cgroup is, and parks its news until then.
func (e *engine) cgroupCreated(ev *event.Event) {
	if e.instances[ev.Cgroup] != nil || e.parked.cgroups[ev.Cgroup] != nil {
		return
	}
	e.parked.cgroups[ev.Cgroup] = &parkedCgroup{path: string(ev.Path), since: time.Now()}
	e.lookups.waiting = append(e.lookups.waiting, ev.Cgroup)
	e.startLookups()
}

func (e *engine) startLookups() {
	for len(e.lookups.waiting) > 0 && e.lookups.running < maxLookups {
		id := e.lookups.waiting[0]
		e.lookups.waiting = e.lookups.waiting[1:]
		p := e.parked.cgroups[id]
		if p == nil {
			continue
		}
		e.lookups.running++
		go e.lookup(id, p.path)
	}
}

func (e *engine) lookup(id uint64, path string) {
	ctx := e.lookups.ctx
	c, ok, err := e.resolver.Resolve(ctx, id, path)
	var n *newcomer
	if ok {
		n = e.cluster.identify(ctx, c)
	}
	e.post(ctx, func() {
		e.lookups.running--
		e.startLookups()
		switch {
		case ok:
			e.addNew(n)
		case err != nil:
			e.log.Debug("cgroup not resolved", zap.String("cgroup", path), zap.Error(err))
			if p := e.parked.cgroups[id]; p != nil {
				p.answered = true
			}
		default:
			e.dropParked(id)
		}
	})
}

// park keeps an event of a cgroup that nobody has claimed yet. Until the
// running containers are taken over, that may be any: the kernel went on
// watching while no agent ran.
func (e *engine) park(ev *event.Event) {
	p := e.parked.cgroups[ev.Cgroup]
	if p == nil && !e.ready.Load() {
		p = &parkedCgroup{since: time.Now(), answered: true}
		e.parked.cgroups[ev.Cgroup] = p
	}
	if p == nil {
		e.metrics.unattributed.Add(1)
		return
	}
	bytes := len(ev.Path) + len(ev.Args)
	if len(p.events) >= maxParkedEvents || e.parked.total >= maxParkedTotal || e.parked.bytes+bytes > maxParkedBytes {
		p.lost++
		e.metrics.parkedLost.Add(1)
		return
	}
	p.events = append(p.events, ev.Clone())
	p.bytes += bytes
	e.parked.total++
	e.parked.bytes += bytes
}

// takeParked returns what was parked of a cgroup, or nil.
func (e *engine) takeParked(id uint64) *parkedCgroup {
	p := e.parked.cgroups[id]
	if p != nil {
		delete(e.parked.cgroups, id)
		e.parked.total -= len(p.events)
		e.parked.bytes -= p.bytes
	}
	return p
}

// dropParked says that a cgroup is no workload's.
func (e *engine) dropParked(id uint64) {
	if p := e.takeParked(id); p != nil {
		e.metrics.unattributed.Add(uint64(len(p.events)))
		e.sensor.Forget(id)
	}
}

// expireParked gives up on cgroups that no runtime could tell about.
func (e *engine) expireParked(now time.Time) {
	for id, p := range e.parked.cgroups {
		if p.answered && now.Sub(p.since) > maxParkedFor {
			e.dropParked(id)
		}
	}
}

// replay handles what was parked of a container, oldest first.
func (e *engine) replay(in *instance, p *parkedCgroup) {
	for _, ev := range p.events {
		e.act(in, ev)
	}
	if p.lost > 0 {
		in.behaviour.learner.Lose(p.lost)
	}
}

// decide settles whose act an event of a plain cgroup is that the programs sent
// before they knew it for one: the workload's from the first execution on, and
// before that of whoever starts it.
func (in *instance) decide(ev *event.Event) {
	if in.container.Runtime != workload.RuntimeCgroup || !ev.Has(event.FlagRuntime) {
		return
	}
	if in.started == nil {
		in.started = map[uint32]bool{}
	}
	if belongs(ev, in.started) {
		ev.Flags &^= event.FlagRuntime
		ev.Origin = event.OriginEntrypoint
	}
}

// belongs reports whether a process of a plain cgroup has executed a program
// there, or descends from one that has.
func belongs(ev *event.Event, started map[uint32]bool) bool {
	if ev.Kind == event.KindExec {
		started[ev.Process.PID] = true
		return true
	}
	if started[ev.Process.PID] {
		return true
	}
	for i := range ev.NAncestors {
		if started[ev.Ancestors[i].PID] {
			return true
		}
	}
	return false
}
