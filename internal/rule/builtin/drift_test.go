package builtin

import (
	"testing"

	"bobwatch/internal/event"
	"bobwatch/internal/profile/match"
)

func TestDrift(t *testing.T) {
	known, plain := exec("/opt/x", "x", event.FlagUpperLayer), exec("/opt/x", "x", event.FlagUpperLayer)
	known.Verdict = match.DetailUnknown
	plain.Container = Container{}
	run(t, drift, tests{
		"written since":          {exec("/opt/x", "x", event.FlagUpperLayer), true},
		"of the image":           {exec("/opt/x", "x", 0), false},
		"its path is known":      {known, false},
		"of a node's own cgroup": {plain, false},
	})
}
