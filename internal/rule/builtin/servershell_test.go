package builtin

import "testing"

func TestServerShell(t *testing.T) {
	run(t, serverShell, tests{
		"parent":      {child(exec("/bin/sh", "sh\x00-c\x00id", 0), "apache2"), true},
		"grandparent": {child(exec("/bin/sh", "sh", 0), "env", "nginx"), true},
		"far":         {child(exec("/bin/sh", "sh", 0), "a", "b", "nginx"), false},
		"no shell":    {child(exec("/usr/bin/convert", "convert", 0), "apache2"), false},
		"another":     {child(exec("/bin/sh", "sh", 0), "cron"), false},
		"alone":       {exec("/bin/sh", "sh", 0), false},
	})
}
