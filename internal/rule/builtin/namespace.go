package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// newNamespace: a user namespace opens parts of the kernel that are closed
// otherwise, and is how most ways out of a container begin.
var newNamespace = Rule{
	ID:    rule.NewNamespace,
	About: "`unshare`",
	Blind: "`clone` with the flags of a namespace",
	Kinds: []event.Kind{event.KindSyscall},
	Calls: []string{"unshare"},
}
