package builtin

import (
	"bytes"

	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// privilegeBit: everybody who runs such a program has its rights.
var privilegeBit = Rule{
	ID:    rule.PrivilegeBit,
	About: "`chmod` with `u+s` or a mode of four digits that sets the set-user-id bit, `setcap`; the system calls `chmod`, `mknod` and `setxattr` and their kin that do it, and `fchmod` that sets the set-group-id bit of a program",
	Blind: "the set-group-id bit alone, set by name; a file that `open` makes with such a mode; 32-bit calls",
	Kinds: []event.Kind{event.KindExec, event.KindChange},
	Broken: func(a Act) bool {
		switch {
		case a.Event.Kind == event.KindChange:
			return givesRights(a.Event)
		case capabilitySetters.runs(a.Event):
			return !capabilityReads.hasArgument(a.Event.Args)
		case modeChangers.runs(a.Event):
			return setsUserID(a.Event.Args)
		}
		return false
	},
}

var (
	capabilitySetters = namesOf("setcap")
	capabilityReads   = namesOf("-r", "-v", "-h")
	modeChangers      = namesOf("chmod")
)

// givesRights reports whether the change gave its file the rights of another user.
func givesRights(e *event.Event) bool {
	switch {
	case e.Has(event.FlagRefused):
		return false
	case e.Change == event.ChangeSetuid:
		// A name may be that of a directory, whose set-group-id bit gives no
		// rights.
		return e.Mode&setUserID != 0 || !e.Has(event.FlagCallerPath)
	}
	return e.Change == event.ChangeSetcap
}

// setUserID is S_ISUID.
const setUserID = 0o4000

// setsUserID reports whether the mode among the arguments of chmod sets the
// set-user-id bit.
func setsUserID(args []byte) bool {
	name, rest, more := bytes.Cut(args, nul)
	if isBusybox(lastName(name)) {
		_, rest, more = bytes.Cut(rest, nul)
	}
	for more {
		var arg []byte
		arg, rest, more = bytes.Cut(rest, nul)
		if len(arg) > 0 && arg[0] != '/' && arg[0] != '-' {
			return modeSetsUserID(arg)
		}
	}
	return false
}

// modeSetsUserID is setsUserID for the mode, such as 4755 or u+s,go-w.
func modeSetsUserID(mode []byte) bool {
	if isOctal(mode) {
		return octalSetsUserID(mode)
	}
	for more := true; more; {
		var clause []byte
		clause, mode, more = bytes.Cut(mode, comma)
		sign := bytes.IndexAny(clause, "+-=")
		if sign < 0 {
			continue
		}
		users := sign == 0 || bytes.ContainsAny(clause[:sign], "ua")
		for sign >= 0 {
			set := clause[sign] != '-'
			clause = clause[sign+1:]
			sign = bytes.IndexAny(clause, "+-=")
			bits := clause
			if sign >= 0 {
				bits = clause[:sign]
			}
			if set && (users && bytes.IndexByte(bits, 's') >= 0 || isOctal(bits) && octalSetsUserID(bits)) {
				return true
			}
		}
	}
	return false
}

func octalSetsUserID(mode []byte) bool {
	return len(mode) >= 4 && (mode[len(mode)-4]-'0')&4 != 0
}

var comma = []byte{','}

func isOctal(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '7' {
			return false
		}
	}
	return true
}
