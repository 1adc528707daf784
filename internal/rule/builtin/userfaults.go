package builtin

import (
	"bobwatch/internal/rule"
)

// userFaults: exploits stop the kernel in the middle of a copy with it; few other programs use it.
var userFaults = Rule{
	ID:    rule.UserFaults,
	About: "`userfaultfd`",
	Blind: "`/dev/userfaultfd`, and FUSE, which serve the same end",
	Kinds: calls,
	Calls: []string{"userfaultfd"},
}
