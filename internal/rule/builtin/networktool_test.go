package builtin

import "testing"

func TestNetworkTool(t *testing.T) {
	run(t, networkTool, tests{
		"tool":    {exec("/usr/bin/nmap", "nmap", 0), true},
		"applet":  {exec("/bin/busybox", "busybox\x00nmap", 0), true},
		"another": {exec("/usr/bin/ls", "ls\x00nmap", 0), false},
	})
}
