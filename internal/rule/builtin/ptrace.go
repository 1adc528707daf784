package builtin

import (
	"bytes"

	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// processTracing: who reads or writes another process's memory has its secrets
// and runs code in its name. There are three ways: ptrace, process_vm_readv and
// process_vm_writev, and writing to /proc/PID/mem.
//
// The request of ptrace is not known, so that PTRACE_TRACEME counts as well.
var processTracing = Rule{
	ID:    rule.ProcessTracing,
	Kinds: []event.Kind{event.KindSyscall, event.KindOpen},
	Calls: []string{"ptrace", "process_vm_readv", "process_vm_writev"},
	Broken: func(a Act) bool {
		e := a.Event
		return e.Kind == event.KindSyscall || e.Access&event.AccessWrite != 0 && isProcessMemory(e.Path)
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
