package profile

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"bobwatch/internal/glob"
)

// maxValueBytes bounds a parameter's value; the longest thing one names is a
// path segment of 255 bytes or a DNS name of 253.
const maxValueBytes = 1024

// check returns value, or why it is none of the kind.
func (p *Parameter) check(value string) (string, error) {
	if err := checkText(value); err != nil {
		return "", err
	}
	switch p.Kind {
	case ParameterString, "":
		return value, nil
	case ParameterSegment:
		return value, checkSegment(value)
	case ParameterPort:
		return checkPort(value)
	case ParameterCIDR:
		return p.checkCIDR(value)
	}
	return "", fmt.Errorf("kind %q: want %s, %s, %s or %s", p.Kind,
		ParameterString, ParameterCIDR, ParameterPort, ParameterSegment)
}

// checkText holds for every kind. Wildcards are refused even where they would
// be literal, so that no place has to be relied on for that.
func checkText(value string) error {
	switch {
	case value == "":
		return errors.New("the value is empty")
	case len(value) > maxValueBytes:
		return fmt.Errorf("the value is longer than %d bytes", maxValueBytes)
	case !utf8.ValidString(value):
		return fmt.Errorf("value %q is not UTF-8", value)
	case strings.ContainsFunc(value, unicode.IsControl):
		return fmt.Errorf("value %q has a control character", value)
	case strings.Contains(value, glob.Wildcard), strings.ContainsAny(value, glob.Dynamic+"⟦⟧"):
		return fmt.Errorf("value %q has a wildcard (%s, %s or a bracket ⟦⟧)", value, glob.Wildcard, glob.Dynamic)
	}
	return nil
}

func checkSegment(value string) error {
	if strings.Contains(value, "/") || value == "." || value == ".." {
		return fmt.Errorf("value %q is not one path segment", value)
	}
	return nil
}

func checkPort(value string) (string, error) {
	port, err := strconv.ParseUint(value, 10, 16)
	if err != nil || port == 0 || strconv.FormatUint(port, 10) != value {
		return "", fmt.Errorf("value %q is not a port from 1 to 65535", value)
	}
	return value, nil
}

// checkCIDR reads a prefix, or an address as a prefix of its full length. How
// wide it may be has to be declared, by a widest prefix or by a default.
func (p *Parameter) checkCIDR(value string) (string, error) {
	prefix, err := parsePrefix(value)
	if err != nil {
		return "", err
	}
	widest := p.WidestPrefix
	if p.Default != "" {
		byDefault, err := parsePrefix(p.Default)
		if err != nil {
			return "", fmt.Errorf("default: %w", err)
		}
		if byDefault.Addr().Is4() != prefix.Addr().Is4() {
			return "", fmt.Errorf("value %q is of another address family than the default %q", value, p.Default)
		}
		if widest == 0 {
			widest = byDefault.Bits()
		}
	} else if widest == 0 {
		return "", errors.New("a cidr has to declare widestPrefix or a default")
	}
	if prefix.Bits() < widest {
		return "", fmt.Errorf("value %q is wider than the widest prefix /%d", value, widest)
	}
	return value, nil
}

func parsePrefix(value string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(value); err == nil && addr.Zone() == "" && !addr.Is4In6() {
		return addr.Prefix(addr.BitLen())
	}
	prefix, err := netip.ParsePrefix(value)
	if err != nil || prefix.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("value %q is not a CIDR", value)
	}
	return prefix.Masked(), nil
}

// anywhere is the place that takes every valid value.
func anywhere(ParameterKind, string) error { return nil }

// insidePath is a place in a path: whatever the kind, a value stays within
// one segment.
func insidePath(_ ParameterKind, value string) error { return checkSegment(value) }

// asWord is a place in a command line: a value is one word that means nothing
// but itself to a shell.
func asWord(_ ParameterKind, value string) error {
	if !glob.PlainWord(value) {
		return fmt.Errorf("value %q is not one plain word of a command line", value)
	}
	return nil
}

// anyPort reports whether an endpoint is open to every port, as ":0/path" is.
func anyPort(endpoint string) bool {
	port, _, _ := strings.Cut(strings.TrimPrefix(endpoint, ":"), "/")
	return strings.Trim(port, "0") == ""
}
