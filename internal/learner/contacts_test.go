package learner

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
)

func contactEvent(direction event.Direction, protocol event.Protocol, peer string) *event.Event {
	to := netip.MustParseAddrPort(peer)
	return &event.Event{Kind: event.KindConnection, Connection: event.Connection{
		Direction: direction, Peer: to.Addr(), Port: to.Port(), Protocol: protocol, Family: event.FamilyIPv4, Type: 1,
	}}
}

func socketEvent(family event.Family, kind uint8) *event.Event {
	return &event.Event{Kind: event.KindSocket, Connection: event.Connection{Family: family, Type: kind}}
}

func unixEvent(path string) *event.Event {
	return &event.Event{
		Kind: event.KindConnection, Path: []byte(path),
		Connection: event.Connection{Direction: event.Egress, Family: event.FamilyUnix},
	}
}

// TestNetworkHoldsElsewhere: other addresses of the same kind, as other replicas
// and clusters have them, are not news.
func TestNetworkHoldsElsewhere(t *testing.T) {
	l := newLearner()
	for _, e := range []*event.Event{
		contactEvent(event.Listen, event.TCP, "0.0.0.0:80"),
		contactEvent(event.Listen, event.UDP, "0.0.0.0:40001"), // the kernel chose it
		contactEvent(event.Ingress, event.TCP, "10.42.0.7:80"),
		contactEvent(event.Egress, event.TCP, "10.43.0.10:6379"),
		contactEvent(event.Egress, event.TCP, "93.184.216.34:443"),
		contactEvent(event.Egress, event.ICMP, "10.42.0.1:0"),
		socketEvent(16, 3), socketEvent(2, 3),
		unixEvent("/run/containerd/containerd.sock"),
	} {
		if !l.Observe(e) {
			t.Errorf("%+v is not learned", e.Connection)
		}
	}
	for _, e := range []*event.Event{
		contactEvent(event.Listen, event.TCP, "10.42.0.9:80"),
		contactEvent(event.Listen, event.UDP, "0.0.0.0:50123"),
		contactEvent(event.Ingress, event.TCP, "172.16.4.4:80"),
		contactEvent(event.Egress, event.TCP, "192.168.7.7:6379"),
		contactEvent(event.Egress, event.TCP, "[2606:4700::1111]:443"),
		unixEvent("/tmp/own.sock"), // not the node's
	} {
		if l.Observe(e) {
			t.Errorf("%+v is news", e.Connection)
		}
	}
	tcp := func(port string) []profile.Port { return []profile.Port{{Protocol: "TCP", Port: port}} }
	want := profile.Network{
		Egress: []profile.Neighbor{
			{Entities: []string{"private"}, Ports: []profile.Port{{Protocol: "ICMP"}, {Protocol: "TCP", Port: "6379"}}},
			{Entities: []string{"world"}, Ports: tcp("443")},
		},
		Ingress: []profile.Neighbor{{Entities: []string{"private"}, Ports: tcp("80")}},
		Listens: []profile.Port{{Protocol: "UDP", Port: "32768", EndPort: "65535"}, {Protocol: "TCP", Port: "80"}},
		Sockets: []string{"inet/raw", "netlink"},
		Unix:    []string{"/run/containerd/containerd.sock"},
	}
	c := l.Container()
	if diff := cmp.Diff(want, c.Network); diff != "" {
		t.Errorf("network (-want +got):\n%s", diff)
	}

	// Another node reads it, and a restarted agent its journal.
	other, restored := newLearner(), newLearner()
	other.Absorb(&c, boot)
	restored.Restore(State{Network: true}, l.Facts(boot))
	for name, l := range map[string]*Learner{"absorbed": other, "restored": restored} {
		got := l.Container()
		if diff := cmp.Diff(c, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestManyEphemeralPorts become a range, a few stay as they are.
func TestManyEphemeralPorts(t *testing.T) {
	l := newLearner()
	for i := range uint16(2 * maxEphemeral) {
		e := contactEvent(event.Egress, event.TCP, "10.0.0.1:1")
		e.Connection.Port = 40000 + i
		l.Observe(e)
		got := l.Container().Network.Egress[0].Ports
		if ranged := got[0].EndPort != ""; ranged != (i >= maxEphemeral) {
			t.Fatalf("%d ports: %+v", i+1, got)
		}
	}
}

// TestOldKnowledgeDoesNotSpeakForTheNetwork: it would deny all of it.
func TestOldKnowledgeDoesNotSpeakForTheNetwork(t *testing.T) {
	restored, absorbed := newLearner(), newLearner()
	restored.Restore(State{Guarded: true}, []Fact{{Kind: FactOpen, Path: "/x"}})
	absorbed.AbsorbState(boot, State{Guarded: true})
	for name, l := range map[string]*Learner{"journal": restored, "another node's": absorbed} {
		if slices.Contains(l.Senses(), profile.SenseNetwork) {
			t.Errorf("%s: a profile without connections denies them all", name)
		}
	}
}

func TestContactsAreBounded(t *testing.T) {
	l := newLearner()
	for i := range uint16(maxContacts + 10) {
		e := contactEvent(event.Egress, event.TCP, "10.0.0.1:1")
		e.Connection.Port = i + 1
		l.Observe(e)
	}
	if got := l.contacts.len(); got != maxContacts || l.Counts().Full != 10 {
		t.Errorf("%d contacts kept and %d counted, want %d and 10", got, l.Counts().Full, maxContacts)
	}
}

func FuzzParseContact(f *testing.F) {
	f.Add("egress private TCP 6379")
	f.Add("listen world UDP 32768+")
	f.Fuzz(func(t *testing.T, text string) {
		k, ok := parseContact(text)
		if !ok {
			return
		}
		if again, ok := parseContact(k.String()); !ok || again != k {
			t.Errorf("%q is read as %+v, and that as %+v", text, k, again)
		}
	})
}
