package builtin

import "testing"

func TestMountCall(t *testing.T) {
	run(t, mountCall, tests{
		"call":        {call(), true},
		"on the node": {onNode(call()), false},
	})
}
