package agent

import (
	"errors"
	"io/fs"
	"os"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"bobwatch/internal/agent/metrics"
	"bobwatch/internal/behaviour"
	"bobwatch/internal/judge"
	"bobwatch/internal/process"
	"bobwatch/internal/sensor"
	"bobwatch/internal/status"
	"bobwatch/internal/workload"
)

// watcher makes the kernel watch containers. It belongs to the engine's
// goroutine.
type watcher struct {
	*sensor.Sensor
	resolver  *workload.Resolver
	processes *process.Table
	judge     *judge.Judge
	metrics   *metrics.Counters
	log       *zap.Logger
}

// adopt makes the kernel watch a running container, and reads what its
// processes are. It reports whether the kernel does.
func (w *watcher) adopt(r workload.Resident) bool {
	if err := w.mark(r); err != nil {
		w.metrics.AdoptErrors.Add(1)
		w.log.Error("take over container", zap.String("container", r.ID), zap.Error(err))
		if errors.Is(err, sensor.ErrNotWatched) {
			return false
		}
	}
	for _, pid := range r.PIDs {
		if err := w.processes.AddRunning(pid); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ESRCH) {
			w.log.Debug("read process", zap.Uint32("pid", pid), zap.Error(err))
		}
	}
	return true
}

// mark marks the processes of a running container, twice, because a child that
// was forked between the listing and the marking would be missed.
func (w *watcher) mark(r workload.Resident) error {
	plain := r.Container.Runtime == workload.RuntimeCgroup
	runtime := os.Getpid() // any process does where no root tells them apart
	if !plain {
		runtime = w.runtimePID()
	}
	var errs []error
	for range 2 {
		adoption := sensor.Adoption{Cgroup: r.CgroupID, Nested: r.Nested, Runtime: runtime, Plain: plain}
		for _, pid := range r.PIDs {
			adoption.PIDs = append(adoption.PIDs, int(pid))
		}
		errs = append(errs, w.Adopt(adoption))
		r.PIDs, r.Nested = w.resolver.Members(&r.Container)
	}
	return errors.Join(errs...)
}

// runtimePID returns a process in the runtime's mount namespace.
func (w *watcher) runtimePID() int {
	for _, r := range w.resolver.Runtimes() {
		if r.PID != 0 {
			return int(r.PID)
		}
	}
	return 1
}

// apply writes the allowed acts of the instance to the kernel.
func (w *watcher) apply(in *instance) {
	b := in.behaviour
	id := in.Container.CgroupID
	if !w.watches(in) {
		return
	}
	in.subject.Profile.Completeness = b.Completeness
	if err := w.tell(id, b.Behaviour); err != nil {
		w.metrics.AdoptErrors.Add(1)
		w.log.Error("tell kernel", zap.String("container", in.Container.ID), zap.Error(err))
	}
}

func (w *watcher) tell(id uint64, b *behaviour.Behaviour) error {
	if m := b.Matcher; m != nil {
		native, compat := w.judge.Watched(m)
		return w.Guard(id, sensor.Known{Native: m.Syscalls().Without(native), Compat: m.CompatSyscalls().Without(compat)})
	}
	known := b.Known()
	return w.Learn(id, sensor.Known{Native: known.Syscalls, Compat: known.CompatSyscalls})
}

// relearn makes the kernel send all acts of a container without a profile once
// more.
func (w *watcher) relearn(id uint64) {
	if err := w.Learn(id, sensor.Known{}); err != nil && !errors.Is(err, sensor.ErrNotWatched) {
		w.metrics.AdoptErrors.Add(1)
		w.log.Error("tell kernel", zap.Uint64("cgroup", id), zap.Error(err))
	}
}

// watches reports whether the kernel is to watch the instance, and sees that it
// does or does not.
func (w *watcher) watches(in *instance) bool {
	id := in.Container.CgroupID
	switch off := in.behaviour.State == status.Off; {
	case off && !in.unwatched:
		w.Forget(id)
		in.unwatched = true
	case !off && in.unwatched:
		r := workload.Resident{Container: in.Container}
		r.PIDs, r.Nested = w.resolver.Members(&in.Container)
		in.unwatched = !w.adopt(r)
		in.marked = false // the next execution looks for its sensitive files again
		w.adoptSockets()
	}
	return !in.unwatched
}
