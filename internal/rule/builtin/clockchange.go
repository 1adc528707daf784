package builtin

import (
	"bobwatch/internal/rule"
)

// clockChange: with a wrong clock logs mislead, and certificates that expired are valid again.
var clockChange = Rule{
	ID:    rule.ClockChange,
	About: "`settimeofday`, `clock_settime`, `stime` by a container with an image",
	Blind: "`adjtimex`, which most programs only read the clock with",
	Kinds: calls,
	Calls: []string{"settimeofday", "clock_settime", "clock_settime64", "stime"},
	Broken: func(a Act) bool {
		return a.Container.Image
	},
}
