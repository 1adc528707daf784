package builtin

import (
	"testing"

	"bobwatch/internal/event"
)

func TestReplaced(t *testing.T) {
	run(t, replaced, tests{
		"another file":  {exec("/bin/x", "x", event.FlagReplaced|event.FlagUpperLayer), true},
		"the same file": {exec("/bin/x", "x", event.FlagUpperLayer), false},
	})
}
