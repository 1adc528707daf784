package builtin

import (
	"bobwatch/internal/rule"
)

// ioPorts: a program that controls the hardware bypasses the kernel.
var ioPorts = Rule{
	ID:    rule.IOPorts,
	About: "`iopl`, `ioperm` by a container with an image",
	Blind: "`/dev/port`, which BW104 reports",
	Kinds: calls,
	Calls: []string{"iopl", "ioperm"},
	Broken: func(a Act) bool {
		return a.Container.Image
	},
}
