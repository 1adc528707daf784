package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// foreignABI: filters that know the machine's own calls do not know it; no distribution ships programs for it.
var foreignABI = Rule{
	ID:    rule.ForeignABI,
	About: "a call of the x32 ABI",
	Blind: "32-bit calls, which the profile judges",
	Kinds: calls,
	Broken: func(a Act) bool {
		return a.Event.ABI == event.ABIX32
	},
}
