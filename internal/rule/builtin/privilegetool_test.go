package builtin

import "testing"

func TestPrivilegeTool(t *testing.T) {
	run(t, privilegeTool, tests{
		"tool":    {exec("/usr/bin/sudo", "sudo", 0), true},
		"applet":  {exec("/bin/busybox", "busybox\x00sudo", 0), true},
		"another": {exec("/usr/bin/ls", "ls\x00sudo", 0), false},
	})
}
