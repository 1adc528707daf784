package builtin

import "testing"

func TestEnvironmentRead(t *testing.T) {
	run(t, environmentRead, tests{
		"environment": {open("/proc/17/environ", read), true},
		"of a thread": {open("/proc/17/task/18/environ", read), true},
		"other file":  {open("/proc/17/status", read), false},
		"elsewhere":   {open("/srv/environ", read), false},
	})
}
