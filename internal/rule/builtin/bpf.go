package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// bpfProgramLoad: programs in the kernel see and change what all containers do.
var bpfProgramLoad = Rule{
	ID:    rule.BPFProgramLoad,
	About: "`bpf`",
	Blind: "which command: creating a map counts as well",
	Kinds: []event.Kind{event.KindSyscall},
	Calls: []string{"bpf"},
}
