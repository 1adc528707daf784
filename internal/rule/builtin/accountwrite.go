package builtin

import (
	"bobwatch/internal/rule"
)

// accountWrite: a new account, a new password or a line of sudoers opens the door for later.
var accountWrite = Rule{
	ID:    rule.AccountWrite,
	About: "an open for writing of `/etc/passwd`, `/etc/shadow`, `/etc/group`, `/etc/sudoers` and the like that the profile does not allow",
	Blind: "`useradd` and the like, which write another file and rename it",
	Kinds: opens,
	Broken: func(a Act) bool {
		return writes(a.Event) && (is(a.Event.Path, accountFiles...) || below(a.Event.Path, "/etc/sudoers.d/") || below(a.Event.Path, "/etc/pam.d/"))
	},
}

var accountFiles = []string{
	"/etc/passwd", "/etc/passwd+", "/etc/shadow", "/etc/shadow+", "/etc/group", "/etc/group+", "/etc/gshadow", "/etc/gshadow+", "/etc/sudoers", "/etc/subuid", "/etc/subgid",
}
