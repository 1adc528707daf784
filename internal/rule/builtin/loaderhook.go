package builtin

import (
	"bobwatch/internal/rule"
)

// loaderHook: the loader puts each library of the file into every program that starts.
var loaderHook = Rule{
	ID:    rule.LoaderHook,
	About: "an open of `/etc/ld.so.preload` for writing",
	Blind: "`LD_PRELOAD` in the environment of a process, which is not read",
	Kinds: opens,
	Broken: func(a Act) bool {
		return writes(a.Event) && is(a.Event.Path, "/etc/ld.so.preload")
	},
}
