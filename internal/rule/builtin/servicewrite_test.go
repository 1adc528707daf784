package builtin

import "testing"

func TestServiceWrite(t *testing.T) {
	run(t, serviceWrite, tests{
		"unit":        {open("/etc/systemd/system/x.service", write), true},
		"script":      {open("/etc/init.d/x", write), true},
		"read":        {open("/etc/init.d/x", read), false},
		"other":       {open("/etc/systemd/journald.conf", write), false},
		"on the node": {onNode(open("/etc/init.d/x", write)), false},
	})
}
