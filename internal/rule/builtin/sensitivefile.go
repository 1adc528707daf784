package builtin

import (
	"strings"

	"bobwatch/internal/event"
	"bobwatch/internal/rule"
	"bobwatch/internal/sensitive"
	"bobwatch/internal/severity"
)

// sensitiveFile: these files hold secrets, or decide who may do which act.
var sensitiveFile = Rule{
	ID:    rule.SensitiveFile,
	About: "an open of a sensitive place of grade high or critical that the profile does not allow; without a profile, of the files of passwords and of sudo by a container with an image, that succeeds and is not made by `su`, `useradd`, `sshd`, `cron` and the like of the image",
	Blind: "a second name for the file where the agent could not look it up when the container started; without a profile, what `su`, `sshd` and the like are made to do, or were replaced by before the agent started",
	Kinds: opens,
	Broken: func(a Act) bool {
		grade, ok := sensitive.Grade(a.Event.Path)
		if a.Described {
			return ok && grade >= severity.High
		}
		return a.Container.Image && !a.Event.Has(event.FlagRefused) && !checksAccounts(a.Event.ImageProgram) &&
			(is(a.Event.Path, accountSecrets...) || below(a.Event.Path, "/etc/sudoers.d/"))
	},
}

// accountSecrets are read by hardly any service, learned or not.
var accountSecrets = []string{
	"/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/security/opasswd", "/etc/sudoers",
}

// accountPrograms need to read the files of passwords.
var accountPrograms = namesOf("su", "runuser", "unix_chkpwd", "usermod", "useradd", "chpasswd", "sshd", "sshd-session", "sshd-auth", "cron", "crond", "login")

// ownDirectories are where an image has them.
var ownDirectories = []string{
	"/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/lib/openssh/", "/usr/libexec/openssh/",
}

// checksAccounts reports whether a program of the image is one of accountPrograms.
func checksAccounts(program string) bool {
	for _, directory := range ownDirectories {
		if name, ok := strings.CutPrefix(program, directory); ok && accountPrograms[name] {
			return true
		}
	}
	return false
}
