package builtin

import (
	"bobwatch/internal/rule"
)

// hiddenProgram: a name that begins with a dot, or three dots, is overlooked.
var hiddenProgram = Rule{
	ID:    rule.HiddenProgram,
	About: "an execution of a file whose name begins with a dot that the profile does not allow",
	Blind: "names that only look harmless",
	Kinds: executions,
	Broken: func(a Act) bool {
		name := lastName(a.Event.Path)
		return len(name) > 0 && name[0] == '.'
	},
}
