package builtin

import (
	"testing"

	"bobwatch/internal/event"
)

func TestOutsideProgram(t *testing.T) {
	run(t, outsideProgram, tests{
		"outside":     {exec("outside:/bin/x", "x", event.FlagOutside), true},
		"inside":      {exec("/bin/x", "x", 0), false},
		"on the node": {onNode(exec("outside:/bin/x", "x", event.FlagOutside)), false},
	})
}
