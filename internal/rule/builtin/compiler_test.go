package builtin

import "testing"

func TestCompiler(t *testing.T) {
	run(t, compiler, tests{
		"tool":    {exec("/usr/bin/gcc", "gcc", 0), true},
		"applet":  {exec("/bin/busybox", "busybox\x00gcc", 0), true},
		"another": {exec("/usr/bin/ls", "ls\x00gcc", 0), false},
	})
}
