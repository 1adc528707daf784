package profile

import (
	"regexp"

	"bobwatch/internal/event"
)

// AccessOf returns the access that flags allow: all if they name none.
func AccessOf(flags []string) event.Access {
	var access event.Access
	named := false
	for _, flag := range flags {
		a, ok := event.ParseAccess(flag)
		access |= a
		named = named || ok
	}
	if !named {
		return event.AccessRead | event.AccessWrite
	}
	return access
}

// IsAccessFlag reports whether a flag of an open says for what access it is.
func IsAccessFlag(flag string) bool {
	_, ok := event.ParseAccess(flag)
	return ok
}

// flagName is the form of every flag of an open.
var flagName = regexp.MustCompile(`^[A-Z0-9_]{1,64}$`)

// IsFlag reports whether name may be a flag of an open.
func IsFlag(name string) bool { return flagName.MatchString(name) }
