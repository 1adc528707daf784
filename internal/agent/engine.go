package agent

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"bobwatch/internal/agent/metrics"
	"bobwatch/internal/alert"
	"bobwatch/internal/alert/delivery"
	"bobwatch/internal/detector"
	"bobwatch/internal/event"
	"bobwatch/internal/judge"
	"bobwatch/internal/rule"
	"bobwatch/internal/sensor"
	"bobwatch/internal/severity"
	"bobwatch/internal/status"
)

// engine reads events and decides. Everything in it belongs to the goroutine
// that runs it; others hand it work through post. Slow work runs elsewhere.
type engine struct {
	log        *zap.Logger
	watcher    *watcher
	containers *containers
	workloads  *workloads
	alerts     *delivery.Dispatcher
	builder    alert.Builder
	judge      *judge.Judge
	health     *health
	metrics    *metrics.Counters

	commands chan func()
	event    event.Event
	keep     keep
	keeps    atomic.Bool // records wait in the ring buffer to be released
}

// post hands f to the engine's goroutine and wakes it.
func (e *engine) post(ctx context.Context, f func()) {
	select {
	case e.commands <- f:
	case <-ctx.Done():
		return
	}
	if err := e.watcher.Wake(); err != nil && ctx.Err() == nil {
		e.log.Error("wake reader", zap.Error(err))
	}
}

// run reads until the sensor is closed or ctx ends.
func (e *engine) run(ctx context.Context) error {
	e.metrics.Beat.Store(time.Now().UnixNano())
	for ctx.Err() == nil {
		err := e.watcher.Read(&e.event)
		switch {
		case err == nil:
			e.handle(&e.event)
		case errors.Is(err, sensor.ErrWoken):
			e.containers.caughtUp()
		case errors.Is(err, os.ErrClosed):
			return nil
		default:
			return err
		}
		e.runCommands()
		e.keepOrRelease(time.Now())
	}
	e.workloads.finish()
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
		e.metrics.SelfTest.Store(int64(ev.Time))
		return
	}
	e.metrics.LastEvent.Store(int64(ev.Time))
	switch ev.Kind {
	case event.KindCgroupCreated:
		e.containers.created(ev.Cgroup, string(ev.Path))
		return
	case event.KindCgroupRemoved:
		e.containers.removed(ev.Cgroup)
		return
	}
	in, ok := e.containers.byCgroup[ev.Cgroup]
	if !ok {
		e.containers.park(ev)
		return
	}
	e.act(in, ev)
}

// act learns or judges an act of a process in a known container.
func (e *engine) act(in *instance, ev *event.Event) {
	in.decide(ev)
	if ev.Kind == event.KindOpen {
		ev.ImageProgram = e.watcher.processes.ImageProgram(ev)
	}
	if ev.Kind == event.KindExec {
		e.watcher.processes.Add(ev)
		if !ev.Has(event.FlagRuntime) {
			in.bind(ev)
			e.containers.markSensitive(in, ev.Process.PID)
		}
	}
	b := in.behaviour
	switch {
	case ev.Has(event.FlagRuntime):
		e.metrics.RuntimeActs.Add(1)
		e.check(in, ev)
	case b.State == status.Learning:
		e.learn(in, ev)
	case b.Matcher == nil:
		// It has no profile, or is left alone: only rules judge the act.
		e.check(in, ev)
	case b.Late(ev):
		b.Observe(ev)
		e.workloads.settle(b)
		e.checkRules(in, ev)
	default:
		b.Settle(time.Now())
		e.workloads.settle(b)
		e.check(in, ev)
	}
}

// learn adds the act to the profile. It reports acts that break a rule, and, for a
// new image, acts that the image before was not allowed.
func (e *engine) learn(in *instance, ev *event.Event) {
	b := in.behaviour
	fresh := b.Observe(ev)
	if fresh {
		e.workloads.settle(b)
		if ev.Kind == event.KindExec {
			e.workloads.journalChanges() // the kernel sends an execution only once
		}
	}
	baseline := b.Baseline
	if !fresh {
		e.watcher.openPort(ev, b.AnyPeer(ev))
	}
	if baseline == nil || !fresh {
		e.checkRules(in, ev)
		return
	}
	d, ok := e.judge.Check(ev, baseline, in.facts)
	switch {
	case !ok:
	case fromProfile(&d):
		e.raiseNew(in, d)
	default:
		e.raise(in, e.builder.Build(d, &in.subject))
	}
}

// fromProfile reports whether only a profile makes the act a deviation, so that
// it may be learned: no rule that needs none calls it wrong as well.
func fromProfile(d *detector.Deviation) bool {
	needs := func(id rule.ID) bool {
		r, _ := rule.Lookup(id)
		return id == "" || r.Profile == rule.NeedsProfile
	}
	return needs(d.Rule) && !slices.ContainsFunc(d.Also[:], func(id rule.ID) bool { return !needs(id) })
}

// checkRules reports an act that breaks a rule, no matter what the profile allows.
func (e *engine) checkRules(in *instance, ev *event.Event) {
	if d, ok := e.judge.Check(ev, nil, in.facts); ok {
		e.raise(in, e.builder.Build(d, &in.subject))
	}
}

// check reports an act that breaks a rule or is outside of the profile in force.
func (e *engine) check(in *instance, ev *event.Event) {
	b := in.behaviour
	d, ok := e.judge.Check(ev, b.Matcher, in.facts)
	if object := byObject(ev); object != nil {
		if o, deviates := e.judge.Check(object, b.Matcher, in.facts); deviates && (!ok || o.Severity > d.Severity) {
			d, ok = o, true
		}
	}
	if !ok {
		e.known(b, ev)
		e.watcher.openPort(ev, b.Matcher.AnyPeer(&ev.Connection))
		return
	}
	if !ev.Has(event.FlagRuntime) && fromProfile(&d) && b.LearnFirstTime(&in.Instance, ev, d.Severity) {
		e.workloads.settle(b)
		e.raiseNew(in, d)
		return
	}
	e.raise(in, e.builder.Build(d, &in.subject))
	if ev.KnownKey != 0 {
		if err := e.watcher.MarkDeviation(ev.Cgroup, ev.KnownKey); err != nil && !errors.Is(err, sensor.ErrNotWatched) {
			e.log.Warn("mark deviation", zap.Error(err))
		}
	}
}

// raiseNew reports an act that is learned, but that the former profile did not allow.
func (e *engine) raiseNew(in *instance, d detector.Deviation) {
	d.Severity = severity.Low
	a := e.builder.Build(d, &in.subject)
	a.New = true
	e.raise(in, a)
}

func (e *engine) raise(in *instance, a alert.Alert) { in.behaviour.account.Raise(e.alerts, a) }

// tick does work that is due by time: windows, losses, documents, the journal.
func (e *engine) tick(now time.Time) {
	e.metrics.Beat.Store(now.UnixNano())
	e.containers.tick()
	e.workloads.tick(now)
	e.workloads.countStates(now)
}

// known makes an execution that the profile allows known to the kernel. Its repeats
// do not wake the agent, which reads them later to track the program of a process.
func (e *engine) known(b *entry, ev *event.Event) {
	if ev.Kind != event.KindExec || ev.KnownKey == 0 || ev.Has(event.FlagAllowed) || b.Matcher == nil {
		return
	}
	if err := e.watcher.MarkAllowed(ev.Cgroup, ev.KnownKey); err != nil && !errors.Is(err, sensor.ErrNotWatched) {
		e.log.Warn("mark execution", zap.Error(err))
	}
}

// tell reports an alert about the agent itself, or about an unknown workload. The alert
// counts with the workloads that have no series of their
// own. It is safe for concurrent use.
func (e *engine) tell(a alert.Alert) {
	e.workloads.accounts.Shared().Raise(e.alerts, a)
}
