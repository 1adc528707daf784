package builtin

import (
	"testing"

	"bobwatch/internal/event"
)

func TestSensitiveFile(t *testing.T) {
	run(t, sensitiveFile, tests{
		"passwords":            {open("/etc/shadow", read), true},
		"key":                  {described(open("/root/.ssh/id_rsa", read)), true},
		"key, without profile": {open("/root/.ssh/id_rsa", read), false},
		"of medium grade":      {described(open("/etc/passwd", read)), false},
		"service of the node":  {onNode(open("/etc/shadow", read)), false},
		"other":                {described(open("/srv/x", read)), false},
		"refused":              {flagged(open("/etc/shadow", read), event.FlagRefused), false},
		"refused, profile":     {described(flagged(open("/etc/shadow", read), event.FlagRefused)), true},
		"su":                   {by("/usr/bin/su", open("/etc/shadow", read)), false},
		"sshd":                 {by("/usr/sbin/sshd", open("/etc/shadow", read)), false},
		"cat":                  {by("/usr/bin/cat", open("/etc/shadow", read)), true},
		"su in /tmp":           {by("/tmp/su", open("/etc/shadow", read)), true},
		"su in a directory":    {by("/usr/bin/x/su", open("/etc/shadow", read)), true},
		"su, profile":          {by("/usr/bin/su", described(open("/etc/shadow", read))), true},
	})
}

// by makes a program of the image open the file.
func by(program string, a Act) Act {
	a.Event.ImageProgram = program
	return a
}
