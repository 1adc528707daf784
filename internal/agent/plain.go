package agent

import (
	"bobwatch/internal/event"
	"bobwatch/internal/workload"
)

// decide settles whose act an event of a plain cgroup is that the programs sent
// before they knew it for one: the workload's from the first execution on, and
// before that of the process that starts it.
func (in *instance) decide(ev *event.Event) {
	if in.Container.Runtime != workload.RuntimeCgroup || !ev.Has(event.FlagRuntime) {
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
