package builtin

import "testing"

func TestCronWrite(t *testing.T) {
	run(t, cronWrite, tests{
		"cron.d":      {open("/etc/cron.d/x", write), true},
		"crontab":     {open("/var/spool/cron/crontabs/root", write), true},
		"read":        {open("/etc/cron.d/x", read), false},
		"other":       {open("/etc/cron.deny", write), false},
		"on the node": {onNode(open("/etc/cron.d/x", write)), false},
		"Alpine":      {open("/etc/crontabs/root", write), true},
		"periodic":    {open("/etc/periodic/15min/x", write), true},
	})
}
