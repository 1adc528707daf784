package builtin

import (
	"bobwatch/internal/rule"
	"bobwatch/internal/sensitive"
	"bobwatch/internal/severity"
)

// sensitiveFile: these files hold secrets, or decide who may do which act.
var sensitiveFile = Rule{
	ID:    rule.SensitiveFile,
	About: "an open of a sensitive place of grade high or critical that the profile does not allow; without a profile, of the files of passwords and of sudo by a container with an image",
	Blind: "a second name for the file where the agent could not look it up when the container started",
	Kinds: opens,
	Broken: func(a Act) bool {
		grade, ok := sensitive.Grade(a.Event.Path)
		if a.Described {
			return ok && grade >= severity.High
		}
		return a.Container.Image && (is(a.Event.Path, accountSecrets...) || below(a.Event.Path, "/etc/sudoers.d/"))
	},
}

// accountSecrets are read by hardly any service, learned or not.
var accountSecrets = []string{
	"/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/security/opasswd", "/etc/sudoers",
}
