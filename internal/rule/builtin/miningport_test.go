package builtin

import "testing"

func TestMiningPort(t *testing.T) {
	run(t, miningPort, tests{
		"pool":  {egress("192.0.2.1:3333"), true},
		"other": {egress("192.0.2.1:443"), false},
	})
}
