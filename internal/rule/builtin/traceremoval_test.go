package builtin

import "testing"

func TestTraceRemoval(t *testing.T) {
	run(t, traceRemoval, tests{
		"tool":    {exec("/usr/bin/shred", "shred", 0), true},
		"applet":  {exec("/bin/busybox", "busybox\x00shred", 0), true},
		"another": {exec("/usr/bin/ls", "ls\x00shred", 0), false},
	})
}
