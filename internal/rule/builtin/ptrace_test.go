package builtin

import (
	"testing"

	"bobwatch/internal/event"
)

func TestProcessTracing(t *testing.T) {
	run(t, processTracing, tests{
		"call":            {Act{Event: &event.Event{Kind: event.KindSyscall}}, true},
		"memory":          {open("/proc/17/mem", write), true},
		"thread's memory": {open("/proc/17/task/18/mem", write), true},
		"read":            {open("/proc/17/mem", read), true},
		"allowed read":    {Act{Event: open("/proc/17/mem", read).Event, Described: true}, false},
		"lookup":          {open("/proc/17/mem", 0), false},
		"other file":      {open("/proc/17/oom_score_adj", write), false},
		"all of memory":   {open("/proc/mem", write), false},
		"not in proc":     {open("/srv/17/mem", write), false},
	})
}
