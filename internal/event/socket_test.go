package event

import "testing"

func TestSocketNames(t *testing.T) {
	for name, want := range map[string]Socket{
		"netlink": {Family: 16}, "packet": {Family: FamilyPacket}, "inet": {Family: FamilyIPv4},
		"inet6/raw": {Family: FamilyIPv6, Raw: true}, "family-99": {Family: 99},
	} {
		got, ok := ParseSocket(name)
		if !ok || got != want || got.String() != name {
			t.Errorf("ParseSocket(%q) = %+v, %t; its name is %q", name, got, ok, got.String())
		}
	}
	for _, name := range []string{"", "raw", "family-", "family-70000"} {
		if s, ok := ParseSocket(name); ok {
			t.Errorf("ParseSocket(%q) = %+v, want none", name, s)
		}
	}
	packet := Connection{Family: FamilyPacket, Type: SocketRaw}
	if got := packet.Socket().String(); got != "packet" {
		t.Errorf("a packet socket is called %q", got)
	}
}

func TestProtocolNames(t *testing.T) {
	for name, want := range map[string]Protocol{"TCP": TCP, "udp": UDP, "ICMPv6": ICMPv6, "47": 47} {
		if got, ok := ParseProtocol(name); !ok || got != want {
			t.Errorf("ParseProtocol(%q) = %s, %t", name, got, ok)
		}
	}
	if _, ok := ParseProtocol("carrier pigeon"); ok {
		t.Error("an unknown protocol is read")
	}
}
