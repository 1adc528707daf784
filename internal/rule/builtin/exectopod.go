package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// execToPod: a user sits at a terminal in the container.
var execToPod = Rule{
	ID:    rule.ExecToPod,
	About: "a program that was started from outside of the container with a terminal, as `kubectl exec -it` does",
	Blind: "who it was; `kubectl exec` without a terminal, which looks like a probe and is judged by the profile alone",
	Kinds: executions,
	Broken: func(a Act) bool {
		return a.Container.Image && a.Event.Origin == event.OriginOutside &&
			a.Event.Has(event.FlagTTY) && a.Event.NAncestors == 0
	},
}
