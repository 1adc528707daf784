package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// replaced: the name of a program that ran before led to another file. A profile
// cannot excuse it, because profiles go by names.
//
// Blind to a program that never ran before, and to interpreted code.
var replaced = Rule{
	ID:     rule.Replaced,
	Kinds:  []event.Kind{event.KindExec},
	Broken: func(a Act) bool { return a.Event.Has(event.FlagReplaced) },
}
