package builtin

import "testing"

func TestEscapeTool(t *testing.T) {
	run(t, escapeTool, tests{
		"tool":    {exec("/usr/bin/nsenter", "nsenter", 0), true},
		"applet":  {exec("/bin/busybox", "busybox\x00nsenter", 0), true},
		"another": {exec("/usr/bin/ls", "ls\x00nsenter", 0), false},
		"AWS CDK": {exec("/usr/bin/cdk", "cdk\x00deploy", 0), false},
		"cdk":     {exec("/tmp/cdk", "cdk\x00evaluate\x00--full", 0), true},
		"exploit": {exec("/tmp/cdk", "cdk\x00run\x00mount-disk", 0), true},
	})
}
