package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// newNamespace: a user namespace opens parts of the kernel that are closed
// otherwise, and is how most ways out of a container begin.
//
// Blind to clone with the flags of a namespace.
var newNamespace = Rule{
	ID:    rule.NewNamespace,
	Kinds: []event.Kind{event.KindSyscall},
	Calls: []string{"unshare"},
}
