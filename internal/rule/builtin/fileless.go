package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// filelessExecution: a program that lives in memory only leaves nothing to look
// at afterwards. It goes by the file, not by its name.
var filelessExecution = Rule{
	ID:     rule.FilelessExecution,
	About:  "a program that lies in memory only",
	Blind:  "a script that an interpreter reads from such a file",
	Kinds:  []event.Kind{event.KindExec},
	Broken: func(a Act) bool { return a.Event.Has(event.FlagMemfd) },
}
