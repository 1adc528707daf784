package builtin

import "testing"

func TestClockChange(t *testing.T) {
	run(t, clockChange, tests{
		"call":        {call(), true},
		"on the node": {onNode(call()), false},
	})
}
