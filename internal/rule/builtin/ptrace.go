package builtin

import (
	"bytes"

	"bobwatch/internal/event"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/rule"
)

// processTracing: a process that reads or writes another's memory has its secrets and
// runs code in its name. There are three ways: ptrace, process_vm_readv and
// process_vm_writev, and writing to /proc/PID/mem.
var processTracing = Rule{
	ID:    rule.ProcessTracing,
	About: "`ptrace`, `process_vm_readv`, `process_vm_writev`, a write to `/proc/PID/mem`; a read of it that the profile does not allow",
	Blind: "which request of `ptrace`: `PTRACE_TRACEME` counts as well",
	Kinds: []event.Kind{event.KindSyscall, event.KindOpen},
	Calls: []string{"ptrace", "process_vm_readv", "process_vm_writev"},
	Broken: func(a Act) bool {
		e := a.Event
		if e.Kind == event.KindSyscall {
			return true
		}
		return (writes(e) || e.Access != 0 && a.Verdict != match.Allowed) && isProcessMemory(e.Path)
	},
}

// isProcessMemory reports whether path is /proc/PID/mem or that of a thread.
func isProcessMemory(path []byte) bool {
	rest, ok := bytes.CutPrefix(path, []byte("/proc/"))
	if !ok || !bytes.HasSuffix(rest, []byte("/mem")) {
		return false
	}
	return rest[0] >= '0' && rest[0] <= '9' || bytes.HasPrefix(rest, []byte("self/"))
}
