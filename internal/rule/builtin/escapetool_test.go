package builtin

import "testing"

func TestEscapeTool(t *testing.T) {
	run(t, escapeTool, tests{
		"tool":    {exec("/usr/bin/nsenter", "nsenter", 0), true},
		"applet":  {exec("/bin/busybox", "busybox\x00nsenter", 0), true},
		"another": {exec("/usr/bin/ls", "ls\x00nsenter", 0), false},
	})
}
