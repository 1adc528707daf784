package builtin

import (
	"net/netip"
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

var image = Container{Image: true, APIServers: []netip.AddrPort{netip.MustParseAddrPort("10.96.0.1:443")}}

const (
	read  = event.AccessRead
	write = event.AccessWrite
)

func exec(path, args string, flags event.Flag) Act {
	e := &event.Event{Kind: event.KindExec, Path: []byte(path), Args: []byte(args), Flags: flags}
	return Act{Event: e, Container: image, Verdict: 1}
}

func open(path string, access event.Access) Act {
	e := &event.Event{Kind: event.KindOpen, Path: []byte(path), Access: access}
	return Act{Event: e, Container: image, Verdict: 1}
}

func call() Act { return Act{Event: &event.Event{Kind: event.KindSyscall}, Container: image} }

func egress(to string) Act {
	peer := netip.MustParseAddrPort(to)
	return Act{Container: image, Event: &event.Event{Kind: event.KindConnection, Connection: event.Connection{
		Direction: event.Egress, Peer: peer.Addr(), Port: peer.Port(), Protocol: event.TCP, Family: event.FamilyIPv4,
	}}}
}

func unix(path string) Act {
	return Act{Container: image, Event: &event.Event{
		Kind: event.KindConnection, Path: []byte(path),
		Connection: event.Connection{Direction: event.Egress, Family: event.FamilyUnix},
	}}
}

func socket(family event.Family) Act {
	return Act{Container: image, Event: &event.Event{Kind: event.KindSocket, Connection: event.Connection{Family: family}}}
}

func described(a Act) Act {
	a.Described = true
	return a
}

func onNode(a Act) Act {
	a.Container = Container{}
	return a
}

func flagged(a Act, flags event.Flag) Act {
	a.Event.Flags |= flags
	return a
}

func from(a Act, origin event.Origin) Act {
	a.Event.Origin = origin
	return a
}

func comm(a Act, name string) Act {
	copy(a.Event.Process.Comm[:], name)
	return a
}

// child makes a's process one of these ancestors, the parent first.
func child(a Act, ancestors ...string) Act {
	for i, name := range ancestors {
		copy(a.Event.Ancestors[i].Comm[:], name)
	}
	a.Event.NAncestors = len(ancestors)
	return a
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
		if r.About == "" || r.Blind == "" {
			t.Errorf("%s: says not what it reports and what it misses", r.ID)
		}
	}
}
