package builtin

import (
	"testing"

	"bobwatch/internal/event"
)

func TestExecToPod(t *testing.T) {
	run(t, execToPod, tests{
		"with a terminal":   {from(exec("/bin/sh", "sh", event.FlagTTY), event.OriginOutside), true},
		"without":           {from(exec("/bin/sh", "sh", 0), event.OriginOutside), false},
		"the container's":   {from(exec("/bin/sh", "sh", event.FlagTTY), event.OriginEntrypoint), false},
		"child of a shell":  {child(from(exec("/bin/ls", "ls", event.FlagTTY), event.OriginOutside), "sh"), false},
		"session on a node": {onNode(from(exec("/bin/sh", "sh", event.FlagTTY), event.OriginOutside)), false},
	})
}
