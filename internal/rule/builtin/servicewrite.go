package builtin

import (
	"bobwatch/internal/rule"
)

// serviceWrite: the service manager starts it at the next boot.
var serviceWrite = Rule{
	ID:    rule.ServiceWrite,
	About: "an open for writing below the directories of systemd's units, `/etc/init.d`, `/etc/rc.local` by a container with an image",
	Blind: "a file that is moved there",
	Kinds: opens,
	Broken: func(a Act) bool {
		return a.Container.Image && writes(a.Event) && (is(a.Event.Path, "/etc/rc.local", "/etc/inittab") || belowAny(a.Event.Path, serviceDirectories))
	},
}

var serviceDirectories = []string{
	"/etc/systemd/system/", "/lib/systemd/system/", "/usr/lib/systemd/system/", "/run/systemd/system/", "/etc/init.d/", "/etc/rc.d/", "/etc/xdg/autostart/", "/etc/udev/rules.d/",
}
