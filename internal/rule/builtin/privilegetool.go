package builtin

import (
	"bobwatch/internal/rule"
)

// privilegeTool: they run programs as another user.
var privilegeTool = Rule{
	ID:    rule.PrivilegeTool,
	About: "an execution of `su`, `sudo`, `pkexec`, `doas` and the like that the profile does not allow",
	Blind: "other programs with a set-user-id bit",
	Kinds: executions,
	Broken: func(a Act) bool {
		return privilegeTools.runs(a.Event)
	},
}

var privilegeTools = namesOf(
	"su", "sudo", "sudoedit", "pkexec", "doas", "runuser", "newgrp", "chfn", "gpasswd",
)
