package builtin

import (
	"testing"

	"bobwatch/internal/event"
)

func TestDeletedProgram(t *testing.T) {
	run(t, deletedProgram, tests{
		"deleted":     {exec("/tmp/x", "x", event.FlagDeleted), true},
		"in memory":   {exec("memfd:x", "x", event.FlagDeleted|event.FlagMemfd), false},
		"there":       {exec("/bin/x", "x", 0), false},
		"on the node": {onNode(exec("/tmp/x", "x", event.FlagDeleted)), false},
	})
}
