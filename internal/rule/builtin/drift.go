package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/rule"
)

// drift: the program was written, or changed, after the container started.
//
// Blind to programs in volumes, which are no part of an image either, and to
// what an interpreter from the image reads.
var drift = Rule{
	ID:    rule.Drift,
	Kinds: []event.Kind{event.KindExec},
	Broken: func(a Act) bool {
		return a.Container.Image && a.Event.Has(event.FlagUpperLayer) && a.Verdict != match.DetailUnknown
	},
}
