package glob

import (
	"net/netip"
	"testing"
)

func TestMatchIP(t *testing.T) {
	tests := map[string]struct {
		pattern, address string
		want             bool
	}{
		"literal":             {"10.0.0.1", "10.0.0.1", true},
		"another":             {"10.0.0.1", "10.0.0.2", false},
		"in the CIDR":         {"10.0.0.0/8", "10.255.0.1", true},
		"outside the CIDR":    {"10.0.0.0/8", "11.0.0.1", false},
		"host bits set":       {"10.1.2.3/8", "10.9.9.9", true},
		"star":                {"*", "2001:db8::1", true},
		"IPv6 spelled apart":  {"2001:db8:0::1", "2001:db8::1", true},
		"IPv6 CIDR":           {"2001:db8::/32", "2001:db8:1::1", true},
		"mapped IPv4":         {"10.0.0.1", "::ffff:10.0.0.1", true},
		"mapped IPv4 in CIDR": {"10.0.0.0/8", "::ffff:10.0.0.1", true},
		"zone":                {"fe80::/10", "fe80::1%eth0", true},
		"all of IPv4 only":    {"0.0.0.0/0", "2001:db8::1", false},
		"no pattern":          {"", "10.0.0.1", false},
		"nonsense":            {"10.0.0.0/99", "10.0.0.1", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := MatchIP(tt.pattern, netip.MustParseAddr(tt.address)); got != tt.want {
				t.Errorf("MatchIP(%q, %s) = %t, want %t", tt.pattern, tt.address, got, tt.want)
			}
		})
	}
	if MatchIP("0.0.0.0/0", netip.Addr{}) || MatchIP("", netip.Addr{}) {
		t.Error("MatchIP allows no address at all")
	}
}

func TestMatchDNS(t *testing.T) {
	tests := map[string]struct {
		pattern, name string
		want          bool
	}{
		"literal":                  {"api.partner.io", "api.partner.io", true},
		"final dot":                {"api.partner.io.", "api.partner.io", true},
		"case":                     {"API.partner.io", "api.PARTNER.io.", true},
		"longer name":              {"partner.io", "api.partner.io", false},
		"one label":                {"*.example.com", "a.example.com", true},
		"two labels":               {"*.example.com", "a.b.example.com", false},
		"no label":                 {"*.example.com", "example.com", false},
		"middle label":             {"a.⋯.com", "a.b.com", true},
		"two middle labels":        {"a.⋯.com", "a.b.c.com", false},
		"one after the prefix":     {"mycorp.com.*", "mycorp.com.api.", true},
		"three after the prefix":   {"mycorp.com.*", "mycorp.com.api.v1.eu-west-1", true},
		"the prefix itself":        {"mycorp.com.*", "mycorp.com.", false},
		"both ends":                {"*.svc.*", "a.svc.cluster.local", true},
		"both ends, no first":      {"*.svc.*", "svc.cluster.local", false},
		"star in the middle":       {"a.*.com", "a.b.com", false},
		"star in the middle, same": {"a.*.com", "a.*.com", true},
		"star in a label":          {"a*.com", "ab.com", false},
		"empty name":               {"*", "", false},
		"empty pattern":            {"", "a", false},
		"empty label":              {"*.com", ".com", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := MatchDNS(tt.pattern, tt.name); got != tt.want {
				t.Errorf("MatchDNS(%q, %q) = %t, want %t", tt.pattern, tt.name, got, tt.want)
			}
		})
	}
}

func TestCheckDNSPattern(t *testing.T) {
	tests := map[string]bool{
		"a.example.com.": true, "*.example.com": true, "mycorp.com.*": true, "a.⋯.com": true, "localhost": true,
		"**.example.com": false, "a.**": false, "*": false, "⋯": false, "*.*": false, "": false, ".": false,
		"a..b": false, "a.*.com": false, "a*.com": false,
	}
	for pattern, want := range tests {
		if err := CheckDNS(pattern); (err == nil) != want {
			t.Errorf("CheckDNSPattern(%q) = %v", pattern, err)
		}
	}
}

func FuzzMatchDNS(f *testing.F) {
	f.Add("*.example.com", "a.example.com.")
	f.Add("a.⋯.*", "a.b.c")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if MatchDNS(pattern, name) && len(dnsLabels(pattern)) > len(dnsLabels(name)) {
			t.Errorf("MatchDNS(%q, %q): more labels than the name has", pattern, name)
		}
	})
}
