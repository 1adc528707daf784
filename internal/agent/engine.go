package agent

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"bobwatch/internal/alert"
	"bobwatch/internal/catalog"
	"bobwatch/internal/config"
	"bobwatch/internal/event"
	"bobwatch/internal/judge"
	"bobwatch/internal/kubernetes"
	"bobwatch/internal/learner"
	"bobwatch/internal/process"
	"bobwatch/internal/rule"
	"bobwatch/internal/sensor"
	"bobwatch/internal/severity"
	"bobwatch/internal/status"
	"bobwatch/internal/workload"
)

// engine reads events and decides. Everything in it belongs to the goroutine
// that runs it; others hand it work through post. What is slow runs elsewhere.
type engine struct {
	config    config.Config
	log       *zap.Logger
	boot      time.Time // wall-clock time at 0 ns since boot
	arch      string
	sensor    *sensor.Sensor
	resolver  *workload.Resolver
	catalog   *catalog.Catalog
	cluster   *cluster
	journal   *learner.Journal
	store     *store
	alerts    *alert.Dispatcher
	builder   alert.Builder
	processes *process.Table
	judge     *judge.Judge

	commands  chan func()
	lookups   lookups
	instances map[uint64]*instance // by cgroup id
	parked    parking
	workloads map[workload.Key]*behaviour
	dormant   []*behaviour // without an instance, oldest first
	changed   map[*behaviour]struct{}
	event     event.Event

	hasStale bool        // cgroups of an earlier agent may be watched still
	ready    atomic.Bool // what ran at start is taken over
	hooks    atomic.Pointer[[]sensor.Hook]
	accounts *accounts
	metrics  counters
}

// states are all states, in the order in which counters has them.
var states = [...]status.State{status.Learning, status.Guarded, status.Unguarded, status.Off}

// counters are read by the metrics collector while the engine runs.
type counters struct {
	beat         atomic.Int64              // unix nanoseconds of the last turn
	lastEvent    atomic.Int64              // nanoseconds since boot
	selfTest     atomic.Int64              // nanoseconds since boot
	workloads    [len(states)]atomic.Int64 // workload containers that run, by state
	containers   [len(states)]atomic.Int64
	parked       atomic.Int64
	parkedEvents atomic.Int64
	notKept      atomic.Uint64
	parkedLost   atomic.Uint64 // events of cgroups nobody knew in time, for want of room
	unattributed atomic.Uint64 // events of cgroups that are no workload's
	runtimeActs  atomic.Uint64
	adoptErrors  atomic.Uint64

	acceptedSigned   atomic.Uint64 // documents; the catalog's goroutine counts them
	acceptedUnsigned atomic.Uint64
}

// post hands f to the engine's goroutine and wakes it.
func (e *engine) post(ctx context.Context, f func()) {
	select {
	case e.commands <- f:
	case <-ctx.Done():
		return
	}
	if err := e.sensor.Wake(); err != nil && ctx.Err() == nil {
		e.log.Error("wake reader", zap.Error(err))
	}
}

// run reads until the sensor is closed or ctx ends.
func (e *engine) run(ctx context.Context) error {
	e.metrics.beat.Store(time.Now().UnixNano())
	for ctx.Err() == nil {
		err := e.sensor.Read(&e.event)
		switch {
		case err == nil:
			e.handle(&e.event)
		case errors.Is(err, sensor.ErrWoken):
			e.caughtUp()
		case errors.Is(err, os.ErrClosed):
			return nil
		default:
			return err
		}
		e.runCommands()
	}
	e.journalChanges()
	e.saveAll()
	return nil
}

func (e *engine) runCommands() {
	for {
		select {
		case f := <-e.commands:
			f()
		default:
			return
		}
	}
}

// handle is one event's way.
func (e *engine) handle(ev *event.Event) {
	if ev.Kind == event.KindSelfTest {
		e.metrics.selfTest.Store(int64(ev.Time))
		return
	}
	e.metrics.lastEvent.Store(int64(ev.Time))
	switch ev.Kind {
	case event.KindCgroupCreated:
		e.cgroupCreated(ev)
		return
	case event.KindCgroupRemoved:
		e.cgroupRemoved(ev.Cgroup)
		return
	}
	in, ok := e.instances[ev.Cgroup]
	if !ok {
		e.park(ev)
		return
	}
	e.act(in, ev)
}

// act learns or judges what a process of a known container did.
func (e *engine) act(in *instance, ev *event.Event) {
	in.decide(ev)
	if ev.Kind == event.KindExec {
		e.processes.Add(ev)
	}
	b := in.behaviour
	switch {
	case ev.Has(event.FlagRuntime):
		e.metrics.runtimeActs.Add(1)
		e.check(in, ev)
	case b.state == status.Learning:
		e.learn(in, ev)
	case b.matcher == nil:
		// It is left alone, or nothing says what it may do; rules do.
		e.check(in, ev)
	case ev.Time < b.guardedAt:
		// Sent before the kernel knew that the window had ended.
		if b.learner.Observe(ev) {
			e.changed[b] = struct{}{}
			b.stale = true
		}
		e.checkRules(in, ev)
	default:
		if b.stale {
			e.refresh(b)
		}
		if !e.learnFirstTime(in, ev) {
			e.check(in, ev)
		}
	}
}

// learn adds the act to the profile. What is wrong whatever is normal is
// reported, and of a new image what the image before was not allowed.
func (e *engine) learn(in *instance, ev *event.Event) {
	b := in.behaviour
	fresh := b.learner.Observe(ev)
	if fresh {
		e.changed[b] = struct{}{}
		if ev.Kind == event.KindExec {
			e.journalChanges() // the kernel sends an execution only once
		}
	}
	if b.baseline == nil || !fresh {
		e.checkRules(in, ev)
		return
	}
	d, ok := e.judge.Check(ev, b.baseline, in.facts)
	if !ok {
		return
	}
	r, _ := rule.Lookup(d.Rule)
	fromProfile := r.Profile == rule.NeedsProfile
	if fromProfile {
		d.Severity = severity.Low
	}
	a := e.builder.Build(d, &in.subject)
	a.New = fromProfile
	e.raise(in, a)
}

// checkRules reports what is wrong whatever the profile says.
func (e *engine) checkRules(in *instance, ev *event.Event) {
	if d, ok := e.judge.Check(ev, nil, in.facts); ok {
		e.raise(in, e.builder.Build(d, &in.subject))
	}
}

// check reports what is wrong, or outside of the profile in force.
func (e *engine) check(in *instance, ev *event.Event) {
	d, ok := e.judge.Check(ev, in.behaviour.matcher, in.facts)
	if !ok {
		return
	}
	e.raise(in, e.builder.Build(d, &in.subject))
	if ev.Kind == event.KindOpen {
		if err := e.sensor.MarkDeviation(ev.Cgroup, ev.OpenKey); err != nil && !errors.Is(err, sensor.ErrNotWatched) {
			e.log.Warn("mark deviation", zap.Error(err))
		}
	}
}

func (e *engine) raise(in *instance, a alert.Alert) { in.behaviour.account.raise(e.alerts, a) }

// tick does what is due with time: windows, losses, documents, the journal.
func (e *engine) tick(now time.Time) {
	e.metrics.beat.Store(now.UnixNano())
	for _, in := range e.instances {
		e.countHeld(in)
	}
	version := e.catalog.Version()
	for _, b := range e.workloads {
		if version != b.version || b.stale {
			e.refresh(b)
		}
		if b.state == status.Learning && b.settings.Mode != kubernetes.ModeLearn && b.learner.Done(now) {
			e.windowEnds(b, now)
		}
	}
	e.expireParked(now)
	e.journalChanges()
	e.evictDormant()
	e.saveDue(now)
	e.countStates(now)
}

// countHeld notes what the kernel could not tell of a container. Only what is
// missing from a profile counts against it.
func (e *engine) countHeld(in *instance) {
	held := e.sensor.TakeHeld(in.container.CgroupID).Total()
	if held > 0 && in.behaviour.state == status.Learning {
		in.behaviour.learner.Lose(held)
		e.changed[in.behaviour] = struct{}{}
	}
}

// countStates publishes what a scrape reads.
func (e *engine) countStates(now time.Time) {
	workloads, containers := map[status.State]int64{}, map[status.State]int64{}
	e.accounts.shared.least = guardedProgress
	for _, b := range e.workloads {
		b.account.least = guardedProgress
	}
	for _, b := range e.workloads {
		if notKept := b.learner.State(now).NotKept; notKept > b.notKept {
			e.metrics.notKept.Add(notKept - b.notKept)
			b.notKept = notKept
		}
		running := int64(len(b.instances))
		workloads[b.state] += min(running, 1)
		containers[b.state] += running
		if b.state != status.Learning {
			continue
		}
		share := b.learner.ObservedFor(now).Seconds() / e.windowOf(b).Seconds()
		b.account.least = min(b.account.least, share, 1)
	}
	for _, b := range e.workloads {
		b.account.setProgress(b.account.least)
	}
	e.accounts.shared.setProgress(e.accounts.shared.least)
	for i, state := range states {
		e.metrics.workloads[i].Store(workloads[state])
		e.metrics.containers[i].Store(containers[state])
	}
	e.metrics.parked.Store(int64(len(e.parked.cgroups)))
	e.metrics.parkedEvents.Store(int64(e.parked.total))
}
