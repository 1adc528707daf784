package builtin

import "testing"

func TestAccountWrite(t *testing.T) {
	run(t, accountWrite, tests{
		"passwd":  {open("/etc/passwd", write), true},
		"sudoers": {open("/etc/sudoers.d/x", write), true},
		"read":    {open("/etc/passwd", read), false},
		"other":   {open("/etc/hosts", write), false},
	})
}
