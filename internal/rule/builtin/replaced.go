package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// replaced: the name of a program that ran before led to another file. A profile
// cannot excuse it, because profiles go by names.
var replaced = Rule{
	ID:     rule.Replaced,
	About:  "the path of a program that ran before leads to another file: one outside of the image replaces one of the image, or, outside of the image, the file differs from the earlier one in the same container",
	Blind:  "a program that never ran before, and interpreted code",
	Kinds:  []event.Kind{event.KindExec},
	Broken: func(a Act) bool { return a.Event.Has(event.FlagReplaced) },
}
