package builtin

import (
	"bobwatch/internal/rule"
)

// traceRemoval: deleted evidence cannot be examined afterwards.
var traceRemoval = Rule{
	ID:    rule.TraceRemoval,
	About: "an execution of `shred`, `wipe`, `srm` and the like that the profile does not allow",
	Blind: "files that are removed or cut by other programs",
	Kinds: executions,
	Broken: func(a Act) bool {
		return removers.runs(a.Event)
	},
}

var removers = namesOf(
	"shred", "wipe", "srm", "sfill", "sswap", "scrub", "logtamper",
)
