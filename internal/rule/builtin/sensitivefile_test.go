package builtin

import "testing"

func TestSensitiveFile(t *testing.T) {
	run(t, sensitiveFile, tests{
		"passwords":            {open("/etc/shadow", read), true},
		"key":                  {described(open("/root/.ssh/id_rsa", read)), true},
		"key, without profile": {open("/root/.ssh/id_rsa", read), false},
		"of medium grade":      {described(open("/etc/passwd", read)), false},
		"service of the node":  {onNode(open("/etc/shadow", read)), false},
		"other":                {described(open("/srv/x", read)), false},
	})
}
