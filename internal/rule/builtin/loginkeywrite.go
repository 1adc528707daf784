package builtin

import (
	"bobwatch/internal/rule"
)

// loginKeyWrite: an attacker who adds a key to the file can log in.
var loginKeyWrite = Rule{
	ID:    rule.LoginKeyWrite,
	About: "an open for writing of `.ssh/authorized_keys`",
	Blind: "a file that is moved there, or that sshd is told to read elsewhere",
	Kinds: opens,
	Broken: func(a Act) bool {
		return writes(a.Event) && ends(a.Event.Path, "/.ssh/authorized_keys", "/.ssh/authorized_keys2")
	},
}
