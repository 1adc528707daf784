package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
	"bobwatch/internal/sensitive"
)

// symlinkToSensitive: a symbolic link gives a sensitive file another name, by which a
// program with more rights may then be led to it.
var symlinkToSensitive = Rule{
	ID:    rule.SymlinkToSensitive,
	About: "`symlink`, `symlinkat` to a sensitive file, such as `/etc/shadow`",
	Blind: "a link to a link; links by io_uring and by 32-bit calls",
	Kinds: []event.Kind{event.KindChange},
	Broken: func(a Act) bool {
		_, special := sensitive.Grade(a.Event.Target)
		return special
	},
}

// hardLinkToSensitive: the same by a hard link. A link that is renamed or removed
// leads nowhere new.
var hardLinkToSensitive = Rule{
	ID:    rule.HardLinkToSensitive,
	About: "`link`, `linkat` of a sensitive file, such as `/etc/shadow`",
	Blind: "a file that the program names in another way, such as through `/proc`; links by io_uring and by 32-bit calls",
	Kinds: []event.Kind{event.KindChange},
	Broken: func(a Act) bool {
		_, special := sensitive.Grade(a.Event.Path)
		return special && a.Event.Change == event.ChangeLink && !a.Event.Has(event.FlagCreated)
	},
}
