package builtin

import (
	"bobwatch/internal/rule"
)

// backdooredLibrary: these versions of a library let an intruder in (CVE-2024-3094).
var backdooredLibrary = Rule{
	ID:    rule.BackdooredLibrary,
	About: "an open of `liblzma.so.5.6.0` or `liblzma.so.5.6.1`",
	Blind: "a copy with another name",
	Kinds: opens,
	Broken: func(a Act) bool {
		return ends(a.Event.Path, "/liblzma.so.5.6.0", "/liblzma.so.5.6.1")
	},
}
