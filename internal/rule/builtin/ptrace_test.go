package builtin

import (
	"testing"

	"bobwatch/internal/event"
)

func TestProcessTracing(t *testing.T) {
	write := event.AccessWrite
	run(t, processTracing, tests{
		"call":            {Act{Event: &event.Event{Kind: event.KindSyscall}}, true},
		"memory":          {open("/proc/17/mem", write), true},
		"thread's memory": {open("/proc/17/task/18/mem", write), true},
		"read":            {open("/proc/17/mem", event.AccessRead), false},
		"other file":      {open("/proc/17/oom_score_adj", write), false},
		"all of memory":   {open("/proc/mem", write), false},
		"not in proc":     {open("/srv/17/mem", write), false},
	})
}
