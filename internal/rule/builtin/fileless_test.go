package builtin

import (
	"testing"

	"bobwatch/internal/event"
)

func TestFilelessExecution(t *testing.T) {
	run(t, filelessExecution, tests{
		"in memory":             {exec("memfd:x", "x", event.FlagMemfd), true},
		"only called like that": {exec("/tmp/memfd:x", "memfd:x", 0), false},
		"deleted":               {exec("/tmp/x", "x", event.FlagDeleted), false},
	})
}
