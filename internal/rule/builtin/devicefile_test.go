package builtin

import (
	"testing"

	"bobwatch/internal/event"
)

func TestDeviceFile(t *testing.T) {
	run(t, deviceFile, tests{
		"made":        {flagged(open("/dev/x", write), event.FlagCreated), true},
		"there":       {open("/dev/null", write), false},
		"shared":      {flagged(open("/dev/shm/x", write), event.FlagCreated), false},
		"on the node": {onNode(flagged(open("/dev/x", write), event.FlagCreated)), false},
	})
}
