package builtin

import "testing"

func TestImageChange(t *testing.T) {
	run(t, imageChange, tests{
		"program":     {open("/usr/bin/ls", write), true},
		"library":     {open("/usr/lib/x86_64-linux-gnu/libc.so.6", write), true},
		"read":        {open("/usr/bin/ls", read), false},
		"data":        {open("/var/lib/x", write), false},
		"on the node": {onNode(open("/usr/bin/ls", write)), false},
	})
}
