package profile

import (
	"regexp"

	"bobwatch/internal/event"
)

// AccessOf returns the access that flags allow: all if they name none.
func AccessOf(flags []string) event.Access {
	const all = event.AccessRead | event.AccessWrite
	var access event.Access
	named := false
	for _, flag := range flags {
		named = named || IsAccessFlag(flag)
		switch flag {
		case "O_RDONLY":
			access |= event.AccessRead
		case "O_WRONLY":
			access |= event.AccessWrite
		case "O_RDWR":
			access |= all
		}
	}
	if !named {
		return all
	}
	return access
}

// IsAccessFlag reports whether a flag of an open says for what access it is.
func IsAccessFlag(flag string) bool {
	switch flag {
	case "O_RDONLY", "O_WRONLY", "O_RDWR", "O_PATH":
		return true
	}
	return false
}

// flagName is the form of every flag of an open.
var flagName = regexp.MustCompile(`^[A-Z0-9_]{1,64}$`)

// IsFlag reports whether name may be a flag of an open.
func IsFlag(name string) bool { return flagName.MatchString(name) }
