package builtin

import "testing"

func TestMachineStop(t *testing.T) {
	run(t, machineStop, tests{
		"call":        {call(), true},
		"on the node": {onNode(call()), false},
	})
}
