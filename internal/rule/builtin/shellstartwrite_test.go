package builtin

import "testing"

func TestShellStartWrite(t *testing.T) {
	run(t, shellStartWrite, tests{
		"bashrc":      {open("/root/.bashrc", write), true},
		"profile.d":   {open("/etc/profile.d/x.sh", write), true},
		"read":        {open("/root/.bashrc", read), false},
		"other":       {open("/root/.vimrc", write), false},
		"on the node": {onNode(open("/root/.bashrc", write)), false},
	})
}
