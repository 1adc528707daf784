package builtin

import (
	"testing"

	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// run asks one rule about acts in a container with an image.
func run(t *testing.T, r Rule, tests map[string]struct {
	act  Act
	want bool
},
) {
	t.Helper()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := r.Broken(tt.act); got != tt.want {
				t.Errorf("broken: got %t, want %t", got, tt.want)
			}
			if n := testing.AllocsPerRun(10, func() { r.Broken(tt.act) }); n != 0 {
				t.Errorf("got %v allocations, want 0", n)
			}
		})
	}
}

type tests = map[string]struct {
	act  Act
	want bool
}

var image = Container{Image: true}

func exec(path, args string, flags event.Flag) Act {
	e := &event.Event{Kind: event.KindExec, Path: []byte(path), Args: []byte(args), Flags: flags}
	return Act{Event: e, Container: image, Verdict: 1}
}

func open(path string, access event.Access) Act {
	e := &event.Event{Kind: event.KindOpen, Path: []byte(path), Access: access}
	return Act{Event: e, Container: image, Verdict: 1}
}

func TestAllAreRegistered(t *testing.T) {
	seen := map[rule.ID]bool{}
	for _, r := range All() {
		if _, ok := rule.Lookup(r.ID); !ok || seen[r.ID] {
			t.Errorf("%s: registered %t, twice %t", r.ID, ok, seen[r.ID])
		}
		seen[r.ID] = true
		if len(r.Kinds) == 0 || r.Broken == nil && r.Calls == nil {
			t.Errorf("%s: looks at nothing", r.ID)
		}
	}
}
