package builtin

import "testing"

func TestPackageManager(t *testing.T) {
	run(t, packageManager, tests{
		"tool":    {exec("/usr/bin/apt-get", "apt-get", 0), true},
		"applet":  {exec("/bin/busybox", "busybox\x00apt-get", 0), true},
		"another": {exec("/usr/bin/ls", "ls\x00apt-get", 0), false},
	})
}
