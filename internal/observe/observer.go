// Package observe watches one command, or the containers of one workload on this machine,
// for a limited time.
//
// Its invariant: it does not disturb an agent on the same machine. It has its own
// programs and maps in the kernel, and pins none.
package observe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"bobwatch/internal/event"
	"bobwatch/internal/sensor"
	"bobwatch/internal/workload"
)

// ringBytes is the size of the ring buffer: four times the agent's, because an observed
// program usually starts, and all its acts are news then.
const ringBytes = 8 << 20

// lossInterval is how often the counts of held back records are read.
const lossInterval = time.Second

// Subject is one container, or one command, while it is observed.
type Subject struct {
	Container workload.Container
	StartSeen bool      // it was observed from its first system call
	PIDs      []uint32  // processes that ran already
	Began     time.Time // of the observation
	Ended     time.Time // zero while it lasts
	// Lost counts records that the kernel held back or lost. The kernel sends
	// system calls and opens among them when they are done again.
	Lost uint64
}

// Handler receives the observed acts. One goroutine calls its methods.
type Handler interface {
	// Begin is called before the first act of s.
	Begin(s *Subject)
	// Act is called for everything that s does for the first time, and for each
	// execution. ev is valid until Act returns.
	Act(s *Subject, ev *event.Event)
	// End is called after the last act of s.
	End(s *Subject)
}

// source finds the subjects. All methods but run are called by the goroutine
// that reads.
type source interface {
	// run finds subjects until there can be no more, or ctx ends.
	run(ctx context.Context, o *Observer) error
	// created says that the kernel watches a new cgroup.
	created(ctx context.Context, o *Observer, ev *event.Event)
	// act is called for an event of a cgroup that is no subject's.
	act(ev *event.Event)
	// removed says that a cgroup is gone.
	removed(o *Observer, cgroup uint64)
	close() error
}

// Observer watches from Open to Close.
type Observer struct {
	sensor   *sensor.Sensor
	source   source
	handler  Handler
	subjects map[uint64]*Subject // by cgroup id
	posted   chan func()
	event    event.Event
}

func open(s source) (*Observer, error) {
	observer := &Observer{source: s, subjects: map[uint64]*Subject{}, posted: make(chan func(), 64)}
	var err error
	if observer.sensor, err = sensor.Open(sensor.Options{RingBytes: ringBytes}); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return observer, nil
}

// Close lets go of the kernel's programs. Run must have returned.
func (o *Observer) Close() error { return errors.Join(o.sensor.Close(), o.source.close()) }

// Run observes until nothing more can come or ctx ends, and returns when h has all
// events. That ctx has ended is an error only if there was nothing to
// observe yet. It may be called once.
func (o *Observer) Run(ctx context.Context, h Handler) error {
	o.handler = h
	group, ctx := errgroup.WithContext(ctx)
	finish := make(chan struct{})
	group.Go(func() error { return o.read(ctx, finish) })
	group.Go(func() error {
		defer func() {
			close(finish)
			_ = o.sensor.Wake() // fails only where reading has failed too
		}()
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		go o.countLosses(ctx)
		return o.source.run(ctx, o)
	})
	return group.Wait()
}

// read handles events until finish is closed and all that were sent before
// have been read.
func (o *Observer) read(ctx context.Context, finish <-chan struct{}) error {
	last := false
	for {
		err := o.sensor.Read(&o.event)
		switch {
		case err == nil:
			o.handle(ctx, &o.event)
		case !errors.Is(err, sensor.ErrWoken):
			return err
		case last:
			o.runPosted()
			for id := range o.subjects {
				o.end(id)
			}
			return nil
		case isClosed(finish):
			// What came after the call of Wake that led here is read yet.
			last = true
			if err := o.sensor.Wake(); err != nil {
				return err
			}
		}
		o.runPosted()
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (o *Observer) handle(ctx context.Context, ev *event.Event) {
	s := o.subjects[ev.Cgroup]
	switch {
	case ev.Kind == event.KindCgroupCreated:
		if s == nil {
			o.source.created(ctx, o, ev)
		}
	case ev.Kind == event.KindCgroupRemoved:
		if s != nil {
			o.end(ev.Cgroup)
		}
		o.source.removed(o, ev.Cgroup)
	case s != nil:
		o.act(s, ev)
	default:
		o.source.act(ev)
	}
}

// act passes on an act of the subject itself.
func (o *Observer) act(s *Subject, ev *event.Event) {
	if !ev.Has(event.FlagRuntime) {
		o.handler.Act(s, ev)
	}
}

// do has the reading goroutine run f and returns what f returned, or why it
// did not run.
func (o *Observer) do(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	select {
	case o.posted <- func() { done <- f() }:
	case <-ctx.Done():
		return fmt.Errorf("observe: %w", ctx.Err())
	}
	if err := o.sensor.Wake(); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("observe: %w", ctx.Err())
	}
}

func (o *Observer) runPosted() {
	for {
		select {
		case f := <-o.posted:
			f()
		default:
			return
		}
	}
}

// begin makes a subject of a container whose cgroup the kernel watches. The subject gets
// all events from now on, and first the earlier ones in early.
func (o *Observer) begin(s *Subject, early []*event.Event) error {
	s.Began = time.Now()
	o.subjects[s.Container.CgroupID] = s
	o.handler.Begin(s)
	for _, ev := range early {
		o.act(s, ev)
	}
	return o.sensor.Learn(s.Container.CgroupID, sensor.Known{})
}

func (o *Observer) end(cgroup uint64) {
	s := o.subjects[cgroup]
	s.Lost += o.sensor.TakeHeld(cgroup).Total()
	s.Ended = time.Now()
	delete(o.subjects, cgroup)
	o.sensor.Forget(cgroup)
	o.handler.End(s)
}

func (o *Observer) countLosses(ctx context.Context) {
	ticker := time.NewTicker(lossInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		_ = o.do(ctx, func() error { // the error is that ctx has ended
			for id, s := range o.subjects {
				s.Lost += o.sensor.TakeHeld(id).Total()
			}
			return nil
		})
	}
}
