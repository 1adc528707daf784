package match

import (
	"net/netip"
	"testing"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
)

func contactOf(direction event.Direction, protocol event.Protocol, to string) *event.Connection {
	peer := netip.MustParseAddrPort(to)
	return &event.Connection{Direction: direction, Peer: peer.Addr(), Port: peer.Port(), Protocol: protocol, Family: event.FamilyIPv4}
}

func TestContact(t *testing.T) {
	tcp := func(ports ...string) (list []profile.Port) {
		for _, p := range ports {
			list = append(list, profile.Port{Protocol: "TCP", Port: p})
		}
		return list
	}
	m, err := Compile([]profile.Container{{
		Network: profile.Network{
			Egress: []profile.Neighbor{
				{IPAddresses: []string{"10.0.0.0/8"}, Ports: tcp("5432")},
				{IPAddresses: []string{"10.1.2.3"}, Ports: tcp("22")},
				{IPAddresses: []string{"2001:db8::/32"}},
				{Entities: []string{"world"}, Ports: []profile.Port{{Protocol: "TCP", Port: "443"}, {Protocol: "UDP", Port: "1000", EndPort: "2000"}}},
				{DNSNames: []string{"example.com"}, Ports: tcp("8443")},
				{PodSelector: map[string]any{"matchLabels": map[string]any{"app": "x"}}, Ports: tcp("9000")},
			},
			Ingress: []profile.Neighbor{{IPAddresses: []string{"*"}, Ports: tcp("80")}},
			Listens: tcp("80"),
			Sockets: []string{"inet", "netlink"},
			Unix:    []string{"/run/containerd/containerd.sock"},
		},
	}}, Options{Arch: "amd64", Senses: []profile.Sense{profile.SenseNetwork}})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		c    *event.Connection
		want Verdict
	}{
		"in a network":              {contactOf(event.Egress, event.TCP, "10.9.9.9:5432"), Allowed},
		"an address inside":         {contactOf(event.Egress, event.TCP, "10.1.2.3:22"), Allowed},
		"the network's port too":    {contactOf(event.Egress, event.TCP, "10.1.2.3:5432"), Allowed},
		"another port":              {contactOf(event.Egress, event.TCP, "10.9.9.9:22"), DetailUnknown},
		"another protocol":          {contactOf(event.Egress, event.UDP, "10.9.9.9:5432"), DetailUnknown},
		"all ports":                 {contactOf(event.Egress, event.UDP, "[2001:db8::1]:7"), Allowed},
		"world":                     {contactOf(event.Egress, event.TCP, "8.8.8.8:443"), Allowed},
		"world, range":              {contactOf(event.Egress, event.UDP, "8.8.8.8:2000"), Allowed},
		"world, beyond":             {contactOf(event.Egress, event.UDP, "8.8.8.8:2001"), DetailUnknown},
		"world is not the metadata": {contactOf(event.Egress, event.TCP, "169.254.169.254:443"), PathUnknown},
		"a name, not known yet":     {contactOf(event.Egress, event.TCP, "8.8.8.8:8443"), Allowed},
		"a selector":                {contactOf(event.Egress, event.TCP, "192.168.0.9:9000"), Allowed},
		"a selector is no world":    {contactOf(event.Egress, event.TCP, "8.8.8.8:9000"), DetailUnknown},
		"ingress from anywhere":     {contactOf(event.Ingress, event.TCP, "8.8.8.8:80"), Allowed},
		"ingress elsewhere":         {contactOf(event.Ingress, event.TCP, "8.8.8.8:81"), DetailUnknown},
		"listen":                    {contactOf(event.Listen, event.TCP, "0.0.0.0:80"), Allowed},
		"listen elsewhere":          {contactOf(event.Listen, event.TCP, "0.0.0.0:4444"), PathUnknown},
	}
	silent, err := Compile([]profile.Container{{Network: profile.Network{Listens: tcp("80")}}}, Options{Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := m.Contact(tt.c, nil); got != tt.want {
				t.Errorf("Contact = %d, want %d", got, tt.want)
			}
			if got := silent.Contact(tt.c, nil); got != Allowed {
				t.Errorf("where nothing speaks for the network: %d, want it allowed", got)
			}
			if n := testing.AllocsPerRun(10, func() { m.Contact(tt.c, nil) }); n != 0 {
				t.Errorf("Contact allocates %v times", n)
			}
		})
	}
	for path, want := range map[string]Verdict{
		"/run/containerd/containerd.sock": Allowed, "/var/run/docker.sock": PathUnknown, "/tmp/own.sock": Allowed,
	} {
		if got := m.Contact(&event.Connection{Direction: event.Egress, Family: event.FamilyUnix}, []byte(path)); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	for socket, want := range map[event.Socket]Verdict{
		{Family: event.FamilyIPv4}: Allowed, {Family: event.FamilyIPv4, Raw: true}: PathUnknown, {Family: event.FamilyPacket}: PathUnknown,
	} {
		if got := m.Socket(socket); got != want {
			t.Errorf("%s: %d, want %d", socket, got, want)
		}
	}
	if m.AnyPeer(contactOf(event.Egress, event.TCP, "8.8.8.8:443")) || !m.AnyPeer(contactOf(event.Ingress, event.TCP, "8.8.8.8:80")) {
		t.Error("a port is open to any peer that is not, or the other way round")
	}
}
