package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// kernelModuleLoad: whoever loads a module owns the node. The attempt counts,
// whether or not the kernel lets it.
var kernelModuleLoad = Rule{
	ID:    rule.KernelModuleLoad,
	Kinds: []event.Kind{event.KindSyscall},
	Calls: []string{"init_module", "finit_module"},
}
