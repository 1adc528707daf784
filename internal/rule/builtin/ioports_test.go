package builtin

import "testing"

func TestIoPorts(t *testing.T) {
	run(t, ioPorts, tests{
		"call":        {call(), true},
		"on the node": {onNode(call()), false},
	})
}
