package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// deletedProgram: a program that is removed before it runs leaves nothing to look at.
var deletedProgram = Rule{
	ID:    rule.DeletedProgram,
	About: "an execution of a file that has no name any more by a container with an image",
	Blind: "a program that is removed after it started",
	Kinds: executions,
	Broken: func(a Act) bool {
		return a.Container.Image && a.Event.Has(event.FlagDeleted) && !a.Event.Has(event.FlagMemfd)
	},
}
