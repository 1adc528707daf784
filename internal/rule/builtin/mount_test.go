package builtin

import (
	"testing"

	"bobwatch/internal/event"
)

func TestExecFromMount(t *testing.T) {
	run(t, execFromMount, tests{
		"volume":       {exec("/data/x", "x", event.FlagMount), true},
		"of the image": {exec("/bin/x", "x", 0), false},
		"in memory":    {exec("memfd:x", "x", event.FlagMount|event.FlagMemfd), false},
	})
}
