package builtin

import (
	"bytes"

	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// privilegeBit: everybody who runs such a program has its rights.
var privilegeBit = Rule{
	ID:    rule.PrivilegeBit,
	About: "`chmod` with `+s` or a mode of four digits that sets the bit, `setcap`; the system calls `chmod`, `mknod` and `setxattr` and their kin that do it",
	Blind: "a file that `open` makes with such a mode; 32-bit calls",
	Kinds: []event.Kind{event.KindExec, event.KindChange},
	Broken: func(a Act) bool {
		switch {
		case a.Event.Kind == event.KindChange:
			return a.Event.Change == event.ChangeSetuid || a.Event.Change == event.ChangeSetcap
		case capabilitySetters.runs(a.Event):
			return !capabilityReads.hasArgument(a.Event.Args)
		case modeChangers.runs(a.Event):
			return setsID(a.Event.Args)
		}
		return false
	},
}

var (
	capabilitySetters = namesOf("setcap")
	capabilityReads   = namesOf("-r", "-v", "-h")
	modeChangers      = namesOf("chmod")
)

// setsID reports whether an argument of chmod sets a set-user-id or set-group-id bit.
func setsID(args []byte) bool {
	_, rest, more := bytes.Cut(args, nul)
	for more {
		var arg []byte
		arg, rest, more = bytes.Cut(rest, nul)
		switch {
		case len(arg) == 0 || arg[0] == '/' || arg[0] == '-':
		case isOctal(arg):
			special := byte('0')
			if len(arg) >= 4 {
				special = arg[len(arg)-4]
			}
			return (special-'0')&6 != 0
		default:
			_, set, ok := bytes.Cut(arg, plus)
			return ok && bytes.IndexByte(set, 's') >= 0
		}
	}
	return false
}

var plus = []byte{'+'}

func isOctal(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '7' {
			return false
		}
	}
	return true
}
