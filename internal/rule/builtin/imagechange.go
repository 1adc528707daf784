package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// imageChange: a container whose programs change is no longer the tested one.
var imageChange = Rule{
	ID:    rule.ImageChange,
	About: "an open for writing below `/bin`, `/usr/bin`, `/lib`, `/usr/lib` and the like by a container with an image that the profile does not allow",
	Blind: "files that are moved there; volumes",
	Kinds: opens,
	Broken: func(a Act) bool {
		return a.Container.Image && writes(a.Event) && !a.Event.Has(event.FlagMount) && belowAny(a.Event.Path, programDirectories)
	},
}

var programDirectories = []string{
	"/bin/", "/sbin/", "/lib/", "/lib64/", "/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/lib64/", "/usr/libexec/", "/usr/local/bin/", "/usr/local/sbin/", "/usr/local/lib/",
}
