package builtin

import (
	"bobwatch/internal/rule"
)

// rootChange: with a descriptor from outside it leads to the node's files.
var rootChange = Rule{
	ID:    rule.RootChange,
	About: "`chroot`, `pivot_root` that the profile does not allow",
	Blind: "where to: the arguments are not read",
	Kinds: calls,
	Calls: []string{"chroot", "pivot_root"},
}
