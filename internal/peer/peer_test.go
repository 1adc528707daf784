package peer

import (
	"net/netip"
	"testing"
)

func TestEntityOf(t *testing.T) {
	tests := map[string]Entity{
		"127.0.0.1": Loopback, "::1": Loopback, "0.0.0.0": Loopback, "::ffff:127.0.0.53": Loopback,
		"10.42.0.7": Private, "172.31.255.1": Private, "192.168.1.1": Private, "100.64.3.2": Private, "fd00::1": Private,
		"172.32.0.1": World, "100.128.0.1": World, "8.8.8.8": World, "2001:db8::1": World,
		"169.254.169.254": Metadata, "::ffff:169.254.169.254": Metadata, "fd00:ec2::254": Metadata, "100.100.100.200": Metadata,
		"169.254.20.10": LinkLocal, "fe80::1%eth0": LinkLocal,
		"224.0.0.251": Multicast, "ff02::fb": Multicast, "255.255.255.255": Multicast,
	}
	for address, want := range tests {
		t.Run(address, func(t *testing.T) {
			addr := netip.MustParseAddr(address)
			if got := EntityOf(addr); got != want {
				t.Errorf("EntityOf(%s) = %s, want %s", address, got, want)
			}
			if n := testing.AllocsPerRun(10, func() { EntityOf(addr.WithZone("")) }); n != 0 {
				t.Errorf("EntityOf allocates %v times", n)
			}
		})
	}
}

func TestNamesAreRead(t *testing.T) {
	for e := range Entity(Entities) {
		if got, ok := Parse(e.String()); !ok || got != e {
			t.Errorf("Parse(%q) = %s, %t", e, got, ok)
		}
	}
	if _, ok := Parse("everyone"); ok {
		t.Error("an unknown name is read")
	}
}
