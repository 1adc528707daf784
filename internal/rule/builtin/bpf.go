package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// bpfProgramLoad: programs in the kernel see and change what all containers do.
//
// The command is not known, so that creating a map counts as well.
var bpfProgramLoad = Rule{
	ID:    rule.BPFProgramLoad,
	Kinds: []event.Kind{event.KindSyscall},
	Calls: []string{"bpf"},
}
