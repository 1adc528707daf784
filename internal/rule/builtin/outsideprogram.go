package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// outsideProgram: the program is the node's or another container's.
var outsideProgram = Rule{
	ID:    rule.OutsideProgram,
	About: "an execution of a file that is not in the process's mount namespace by a container with an image",
	Blind: "programs that the node mounts into the container",
	Kinds: executions,
	Broken: func(a Act) bool {
		return a.Container.Image && a.Event.Has(event.FlagOutside)
	},
}
