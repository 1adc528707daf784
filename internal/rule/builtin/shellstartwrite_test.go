package builtin

import "testing"

func TestShellStartWrite(t *testing.T) {
	run(t, shellStartWrite, tests{
		"bashrc":      {open("/root/.bashrc", write), true},
		"profile.d":   {open("/etc/profile.d/x.sh", write), true},
		"read":        {open("/root/.bashrc", read), false},
		"other":       {open("/root/.vimrc", write), false},
		"on the node": {onNode(open("/root/.bashrc", write)), false},
		"of all":      {open("/etc/profile", write), true},
		"zshenv":      {open("/etc/zsh/zshenv", write), true},
		"bash.bashrc": {open("/etc/bash.bashrc", write), true},
		"a profile":   {open("/var/lib/app/profile", write), false},
		"a zshenv":    {open("/srv/zshenv", write), false},
		"a bashrc":    {open("/srv/bash.bashrc", write), false},
	})
}
