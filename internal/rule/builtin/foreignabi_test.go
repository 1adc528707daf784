package builtin

import (
	"testing"

	"bobwatch/internal/event"
)

func TestForeignABI(t *testing.T) {
	run(t, foreignABI, tests{
		"x32":    {Act{Event: &event.Event{Kind: event.KindSyscall, ABI: event.ABIX32}}, true},
		"native": {call(), false},
	})
}
