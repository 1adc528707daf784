package detector

import (
	"net/netip"
	"testing"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
)

func contact(direction event.Direction, protocol event.Protocol, peer string, flags event.Flag) *event.Event {
	to := netip.MustParseAddrPort(peer)
	return &event.Event{Kind: event.KindConnection, Flags: flags, Connection: event.Connection{
		Direction: direction, Peer: to.Addr(), Port: to.Port(), Protocol: protocol, Family: event.FamilyIPv4, Type: 1,
	}}
}

func socket(family event.Family, kind uint8) *event.Event {
	return &event.Event{Kind: event.KindSocket, Connection: event.Connection{Family: family, Type: kind}}
}

func unixPeer(path string) *event.Event {
	return &event.Event{
		Kind: event.KindConnection, Path: []byte(path),
		Connection: event.Connection{Direction: event.Egress, Family: event.FamilyUnix},
	}
}

func TestCheckNetwork(t *testing.T) {
	m, err := match.Compile([]profile.Container{{Network: profile.Network{
		Egress:  []profile.Neighbor{{Entities: []string{"private"}, Ports: []profile.Port{{Protocol: "TCP", Port: "5432"}}}},
		Ingress: []profile.Neighbor{{Entities: []string{"private"}, Ports: []profile.Port{{Protocol: "TCP", Port: "80"}}}},
		Listens: []profile.Port{{Protocol: "TCP", Port: "80"}},
		Sockets: []string{"inet"},
	}}}, match.Options{Arch: "amd64", Senses: []profile.Sense{profile.SenseNetwork}})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		event *event.Event
		want  string
	}{
		"known peer":          {contact(event.Egress, event.TCP, "10.4.5.6:5432", 0), ""},
		"another port":        {contact(event.Egress, event.TCP, "10.4.5.6:22", 0), "R0011 medium"},
		"a port that is shut": {contact(event.Egress, event.TCP, "10.4.5.6:22", event.FlagRefused), "R0011 low"},
		"world":               {contact(event.Egress, event.TCP, "8.8.8.8:5432", 0), "R0011 medium"},
		"metadata":            {contact(event.Egress, event.TCP, "169.254.169.254:80", 0), "R0011 high"},
		"its own pod":         {contact(event.Egress, event.TCP, "127.0.0.1:20000", 0), "R0011 medium"},
		"known client":        {contact(event.Ingress, event.TCP, "10.4.5.6:80", 0), ""},
		"client of the world": {contact(event.Ingress, event.TCP, "8.8.8.8:80", 0), "BW006 low"},
		"known port":          {contact(event.Listen, event.TCP, "0.0.0.0:80", 0), ""},
		"bind shell":          {contact(event.Listen, event.TCP, "0.0.0.0:4444", 0), "BW007 high"},
		"known family":        {socket(event.FamilyIPv4, 1), ""},
		"raw socket":          {socket(event.FamilyIPv4, event.SocketRaw), "BW008 high"},
		"packet socket":       {socket(event.FamilyPacket, 3), "BW008 high"},
		"netlink":             {socket(16, 3), "BW008 low"},
		"the runtime":         {unixPeer("/var/run/docker.sock"), "BW009 critical"},
		"a socket of its own": {unixPeer("/tmp/app.sock"), ""},
	}
	d := New("amd64")
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := ""
			if deviation, ok := d.Check(tt.event, m); ok {
				got = deviation.Rule.String() + " " + deviation.Severity.String()
			}
			if got != tt.want {
				t.Errorf("Check: got %q, want %q", got, tt.want)
			}
			if n := testing.AllocsPerRun(10, func() { d.Check(tt.event, m) }); n != 0 {
				t.Errorf("Check allocates %v times", n)
			}
		})
	}
}
