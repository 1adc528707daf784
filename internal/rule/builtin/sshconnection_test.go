package builtin

import "testing"

func TestSshConnection(t *testing.T) {
	run(t, sshConnection, tests{
		"unusual port": {comm(egress("192.0.2.1:2222"), "ssh"), true},
		"usual port":   {comm(egress("192.0.2.1:22"), "ssh"), false},
		"server":       {comm(egress("192.0.2.1:2222"), "sshd"), false},
		"another":      {comm(egress("192.0.2.1:2222"), "curl"), false},
	})
}
