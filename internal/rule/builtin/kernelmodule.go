package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// kernelModuleLoad: a process that loads a module owns the node. The attempt counts,
// even if the kernel refuses it.
var kernelModuleLoad = Rule{
	ID:    rule.KernelModuleLoad,
	About: "`init_module`, `finit_module`, whether or not the kernel lets it",
	Blind: "a module that the kernel loads by itself, for a device or a protocol",
	Kinds: []event.Kind{event.KindSyscall},
	Calls: []string{"init_module", "finit_module"},
}
