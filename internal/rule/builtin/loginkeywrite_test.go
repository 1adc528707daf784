package builtin

import "testing"

func TestLoginKeyWrite(t *testing.T) {
	run(t, loginKeyWrite, tests{
		"write": {open("/root/.ssh/authorized_keys", write), true},
		"read":  {open("/root/.ssh/authorized_keys", read), false},
		"other": {open("/root/.ssh/known_hosts", write), false},
	})
}
