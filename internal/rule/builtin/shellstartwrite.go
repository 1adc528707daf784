package builtin

import (
	"bobwatch/internal/rule"
)

// shellStartWrite: every shell runs it.
var shellStartWrite = Rule{
	ID:    rule.ShellStartWrite,
	About: "an open for writing of `.bashrc`, `.profile` and the like, `/etc/profile`, `/etc/profile.d`, `/etc/bash.bashrc`, `/etc/zsh/zshenv` by a container with an image",
	Blind: "a file that is moved there",
	Kinds: opens,
	Broken: func(a Act) bool {
		return a.Container.Image && writes(a.Event) && (shellFiles.has(lastName(a.Event.Path)) || is(a.Event.Path, systemShellFiles...) || below(a.Event.Path, "/etc/profile.d/"))
	},
}

var shellFiles = namesOf(
	".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".profile", ".zshrc", ".zprofile", ".zshenv", ".zlogin", ".cshrc", ".kshrc",
)

// systemShellFiles are those of all users. Elsewhere these names are anything.
var systemShellFiles = []string{"/etc/profile", "/etc/bash.bashrc", "/etc/zsh/zshenv", "/etc/zshenv"}
