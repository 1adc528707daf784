package builtin

import (
	"bobwatch/internal/rule"
)

// cronWrite: cron runs the file later, in the name of another user.
var cronWrite = Rule{
	ID:    rule.CronWrite,
	About: "an open for writing below `/etc/cron.d` and its neighbours, `/etc/crontab`, `/etc/crontabs`, `/etc/periodic`, `/var/spool/cron` by a container with an image",
	Blind: "a file that is moved there",
	Kinds: opens,
	Broken: func(a Act) bool {
		return a.Container.Image && writes(a.Event) && (is(a.Event.Path, "/etc/crontab", "/etc/anacrontab") || belowAny(a.Event.Path, cronDirectories))
	},
}

var cronDirectories = []string{
	"/etc/cron.d/", "/etc/cron.hourly/", "/etc/cron.daily/", "/etc/cron.weekly/", "/etc/cron.monthly/", "/etc/crontabs/", "/etc/periodic/", "/var/spool/cron/", "/var/spool/at/",
}
