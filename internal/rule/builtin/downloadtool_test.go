package builtin

import "testing"

func TestDownloadTool(t *testing.T) {
	run(t, downloadTool, tests{
		"tool":    {exec("/usr/bin/curl", "curl", 0), true},
		"applet":  {exec("/bin/busybox", "busybox\x00curl", 0), true},
		"another": {exec("/usr/bin/ls", "ls\x00curl", 0), false},
	})
}
