package glob

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// MatchIP reports whether pattern (an address, a CIDR or "*") allows address.
// An IPv4 address mapped into IPv6 is the IPv4 address. A pattern that is none
// of these allows nothing.
func MatchIP(pattern string, address netip.Addr) bool {
	if pattern == Wildcard {
		return true
	}
	address = address.Unmap().WithZone("")
	if prefix, err := netip.ParsePrefix(pattern); err == nil {
		return prefix.Contains(address)
	}
	literal, err := netip.ParseAddr(pattern)
	return err == nil && literal.Unmap().WithZone("") == address
}

// MatchDNS reports whether pattern allows the domain name. Case and a final
// dot do not matter. As the first label "*" stands for exactly one label, as
// the last for one or more; "⋯" stands for one label anywhere. Elsewhere "*"
// is no wildcard.
func MatchDNS(pattern, name string) bool {
	want, got := dnsLabels(pattern), dnsLabels(name)
	if len(want) == 0 || len(got) == 0 {
		return false
	}
	if last := len(want) - 1; last > 0 && want[last] == Wildcard {
		if len(got) < len(want) {
			return false
		}
		want, got = want[:last], got[:last]
	}
	if len(want) != len(got) {
		return false
	}
	for i, label := range want {
		if label == Dynamic || i == 0 && label == Wildcard {
			continue
		}
		if label != got[i] {
			return false
		}
	}
	return true
}

// dnsLabels splits a name, and returns nothing for one with an empty label.
func dnsLabels(name string) []string {
	labels := strings.Split(strings.ToLower(strings.TrimSuffix(name, ".")), ".")
	if slices.Contains(labels, "") {
		return nil
	}
	return labels
}

// CheckDNS reports why pattern cannot be matched as it seems to be
// meant: it uses "**", whose meaning nobody has settled, has an empty label, a
// "*" that is not a whole label at either end, or nothing but wildcards.
func CheckDNS(pattern string) error {
	if strings.Contains(pattern, "**") {
		return fmt.Errorf("DNS name %q: ** has no meaning; write *.name for one label or name.* for several", pattern)
	}
	labels := dnsLabels(pattern)
	if len(labels) == 0 {
		return fmt.Errorf("DNS name %q: empty label", pattern)
	}
	literal := false
	for i, label := range labels {
		if strings.Contains(label, Wildcard) && (label != Wildcard || i != 0 && i != len(labels)-1) {
			return fmt.Errorf("DNS name %q: * is a wildcard only as the whole first or last label", pattern)
		}
		literal = literal || label != Wildcard && label != Dynamic
	}
	if !literal {
		return fmt.Errorf("DNS name %q: only wildcards; it would allow every name", pattern)
	}
	return nil
}

// CheckIP reports why pattern is neither an address, nor a CIDR, nor "*".
func CheckIP(pattern string) error {
	if pattern == "*" {
		return nil
	}
	if _, err := netip.ParsePrefix(pattern); err == nil {
		return nil
	}
	if _, err := netip.ParseAddr(pattern); err == nil {
		return nil
	}
	return fmt.Errorf("%q: want an address, a CIDR or *", pattern)
}

// CoversDNS reports whether the pattern have allows every name that want allows.
func CoversDNS(have, want string) bool {
	if strings.ContainsAny(want, Wildcard+Dynamic) {
		return slices.Equal(dnsLabels(have), dnsLabels(want))
	}
	return MatchDNS(have, want)
}

// CoversIP reports whether the pattern have allows every address that want allows.
func CoversIP(have, want string) bool {
	if have == want || have == Wildcard {
		return true
	}
	if prefix, err := netip.ParsePrefix(want); err == nil {
		outer, err := netip.ParsePrefix(have)
		return err == nil && outer.Bits() <= prefix.Bits() && outer.Contains(prefix.Addr())
	}
	address, err := netip.ParseAddr(want)
	return err == nil && MatchIP(have, address)
}
