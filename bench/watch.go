package main

import (
	"errors"
	"fmt"
	"syscall"

	"bobwatch/internal/event"
	"bobwatch/internal/sensor"
	"bobwatch/internal/syscalls"
)

// A watch is bobwatch's sensor. Nobody reads it while workers work, which is as
// it would be: a reader of known acts sleeps.
type watch struct {
	*sensor.Sensor
	told map[uint64]*told // by cgroup
}

// told is what the sensor has told of one cgroup.
type told struct {
	syscalls syscalls.Set
	acts     int // records of what workers do over and over
}

func startWatch() (*watch, error) {
	s, err := sensor.Open(sensor.Options{})
	if err != nil {
		return nil, fmt.Errorf("open sensor: %w", err)
	}
	return &watch{Sensor: s, told: map[uint64]*told{}}, nil
}

// settle has the cgroup learn anew, or guards it by what it did so far.
func (w *watch) settle(place string, c *cgroup) error {
	if err := w.drain(); err != nil {
		return err
	}
	if place == learningPlace {
		return w.Learn(c.id, sensor.Known{})
	}
	return w.Guard(c.id, sensor.Known{Native: w.of(c.id).syscalls})
}

// drain reads what the sensor has to tell.
func (w *watch) drain() error {
	if err := w.Wake(); err != nil {
		return err
	}
	for {
		var ev event.Event
		err := w.Read(&ev)
		if errors.Is(err, sensor.ErrWoken) {
			return nil
		}
		if err != nil {
			return err
		}
		w.note(&ev)
	}
}

func (w *watch) note(ev *event.Event) {
	t := w.of(ev.Cgroup)
	switch ev.Kind {
	case event.KindSyscall:
		t.syscalls.Add(ev.Nr)
		switch ev.Nr {
		case syscall.SYS_GETPPID, syscall.SYS_OPENAT, syscall.SYS_CLOSE:
			t.acts++
		}
	case event.KindOpen:
		if string(ev.Path) == openedFile {
			t.acts++
		}
	}
}

func (w *watch) of(cgroup uint64) *told {
	t := w.told[cgroup]
	if t == nil {
		t = &told{}
		w.told[cgroup] = t
	}
	return t
}

// countRecords returns the records that known acts cause in a cgroup in the
// given state, per million acts.
func countRecords(root, place string) (perMillion float64, err error) {
	w, err := startWatch()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	worker, err := startWorker(root, place)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, worker.stop()) }()

	if err := worker.warmUp(); err != nil {
		return 0, err
	}
	if err := w.settle(place, worker.cgroup); err != nil {
		return 0, err
	}
	if err := errors.Join(worker.warmUp(), w.drain()); err != nil {
		return 0, err
	}
	before := w.of(worker.cgroup.id).acts
	if before == 0 {
		return 0, errors.New("count records: the sensor told nothing of a worker's first acts")
	}
	acts := 0
	for acts < 1_000_000 {
		for a := range nActs {
			if _, err := worker.do(a); err != nil {
				return 0, err
			}
			acts += int(a.slice())
		}
	}
	if err := w.drain(); err != nil {
		return 0, err
	}
	return float64(w.of(worker.cgroup.id).acts-before) * 1e6 / float64(acts), nil
}
