package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/rule"
)

// execFromMount: the program lies in a volume, or on a tmpfs. Many containers
// start programs from there, so only a profile can decide.
var execFromMount = Rule{
	ID:    rule.ExecFromMount,
	About: "a program in a volume or on a tmpfs that the profile does not allow",
	Blind: "scripts there, which an interpreter of the image reads",
	Kinds: []event.Kind{event.KindExec},
	Broken: func(a Act) bool {
		return a.Container.Image && a.Verdict != match.DetailUnknown &&
			a.Event.Has(event.FlagMount) && !a.Event.Has(event.FlagMemfd)
	},
}
