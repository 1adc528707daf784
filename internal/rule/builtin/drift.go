package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/rule"
)

// drift: the program was written, or changed, after the container started.
var drift = Rule{
	ID:    rule.Drift,
	About: "a program that was written or changed since the container started",
	Blind: "programs in volumes, and code that an interpreter of the image reads",
	Kinds: []event.Kind{event.KindExec},
	Broken: func(a Act) bool {
		return a.Container.Image && a.Event.Has(event.FlagUpperLayer) && a.Verdict != match.DetailUnknown
	},
}
