package agent

import (
	"testing"

	"bobwatch/internal/behaviour"
	"bobwatch/internal/event"
	"bobwatch/internal/rule/builtin"
	"bobwatch/internal/status"
)

// TestNamesAreBoundToFiles executes programs by one name, one after another, in
// containers of one image.
func TestNamesAreBoundToFiles(t *testing.T) {
	const upper, mount = event.FlagUpperLayer, event.FlagMount
	type step struct {
		learning bool
		restart  bool // in a new container
		flags    event.Flag
		ino      uint64
		want     bool // replaced
	}
	tests := map[string]struct {
		plain bool
		steps []step
	}{
		"dropped over one of the image": {steps: []step{
			{learning: true, ino: 1}, {ino: 1}, {flags: upper, ino: 2, want: true}, {flags: upper, ino: 2, want: true},
		}},
		"mounted over one of the image":  {steps: []step{{learning: true, ino: 1}, {flags: mount, ino: 2, want: true}}},
		"deleted after the start":        {steps: []step{{ino: 1}, {flags: event.FlagDeleted, ino: 1, want: true}}},
		"of the image in each container": {steps: []step{{learning: true, ino: 1}, {restart: true, ino: 1}, {restart: true, ino: 7}}},
		"dropped after a restart":        {steps: []step{{learning: true, ino: 1}, {restart: true, flags: upper, ino: 2, want: true}}},
		"unpacked by each container": {steps: []step{
			{learning: true, flags: upper, ino: 1}, {flags: upper, ino: 1}, {restart: true, flags: upper, ino: 2}, {flags: upper, ino: 2},
		}},
		"replaced after it was unpacked": {steps: []step{{learning: true, flags: upper, ino: 1}, {flags: upper, ino: 2, want: true}}},
		"built again and again": {steps: []step{
			{learning: true, flags: upper, ino: 1}, {learning: true, flags: upper, ino: 2}, {flags: upper, ino: 3}, {flags: upper, ino: 4},
		}},
		"changed in place while it was learned": {steps: []step{{learning: true, ino: 1}, {learning: true, flags: upper, ino: 1}, {flags: upper, ino: 1}}},
		"replaced in a service":                 {plain: true, steps: []step{{learning: true, ino: 1}, {ino: 1}, {ino: 2, want: true}}},
		"service restarted after an update":     {plain: true, steps: []step{{learning: true, ino: 1}, {restart: true, ino: 2}, {ino: 2}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := &entry{Behaviour: &behaviour.Behaviour{}, sources: map[uint64]source{}}
			begin := func() *instance {
				return &instance{behaviour: b, files: map[uint64]file{}, facts: builtin.Container{Image: !tt.plain}}
			}
			in := begin()
			for i, s := range tt.steps {
				if s.restart {
					in = begin()
				}
				b.State = status.Guarded
				if s.learning {
					b.State = status.Learning
				}
				ev := &event.Event{Kind: event.KindExec, Path: []byte("/app"), Ino: s.ino, Flags: s.flags}
				in.bind(ev)
				if got := ev.Has(event.FlagReplaced); got != s.want {
					t.Errorf("execution %d: replaced: got %t, want %t", i, got, s.want)
				}
				if n := testing.AllocsPerRun(10, func() { in.bind(ev) }); n != 0 {
					t.Errorf("got %v allocations, want 0", n)
				}
			}
		})
	}
}
