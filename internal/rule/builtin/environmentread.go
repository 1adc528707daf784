package builtin

import (
	"bobwatch/internal/rule"
)

// environmentRead: credentials are often handed over in the environment.
var environmentRead = Rule{
	ID:    rule.EnvironmentRead,
	About: "an open of `/proc/PID/environ`",
	Blind: "a process that reads its own environment from its memory",
	Kinds: opens,
	Broken: func(a Act) bool {
		return below(a.Event.Path, "/proc/") && ends(a.Event.Path, "/environ")
	},
}
