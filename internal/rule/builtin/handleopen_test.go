package builtin

import "testing"

func TestHandleOpen(t *testing.T) {
	run(t, handleOpen, tests{
		"call":        {call(), true},
		"on the node": {onNode(call()), false},
	})
}
