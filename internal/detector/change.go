package detector

import (
	"bytes"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/rule"
	"bobwatch/internal/sensitive"
	"bobwatch/internal/severity"
)

func checkChange(e *event.Event, m *match.Matcher) (Deviation, bool) {
	if nameless(e) {
		return Deviation{}, false
	}
	verdict := m.Change(e.Path, e.Change)
	if verdict != match.Allowed && !e.Has(event.FlagOutside) && m.DirectoryChange(e.Path, e.Change) {
		verdict = match.Allowed
	}
	grade := changeSeverity(e, m)
	if e.Change == event.ChangeSymlink && m.Judges(profile.SenseChanges) {
		// Most links lead somewhere harmless, and where does not matter.
		if leadsToPower(e) {
			to, _ := sensitive.Grade(e.Target)
			grade = max(grade, severity.High, to)
			verdict = max(verdict, m.Change(e.Target, e.Change))
		}
	}
	if verdict == match.Allowed {
		return Deviation{}, false
	}
	if e.Has(event.FlagRefused) {
		grade = lower(grade)
	}
	return Deviation{Rule: rule.UnexpectedChange, Severity: grade, Verdict: verdict, Event: e}, true
}

// longestTarget is the longest target of a link, in bytes, that the kernel sends
// whole (bpf/change.h).
const longestTarget = 254

// leadsToPower reports whether a symbolic link leads to a sensitive file, or to a
// directory with such files or with programs: a change of a name below the link goes
// by the link's name. A target that was cut may lead anywhere.
func leadsToPower(e *event.Event) bool {
	if _, special := sensitive.Grade(e.Target); special || len(bytes.TrimRight(e.Args, "\x00")) > longestTarget {
		return true
	}
	below := append(append(make([]byte, 0, 2*longestTarget), bytes.TrimRight(e.Target, "/")...), '/')
	for _, prefix := range steering {
		if bytes.HasPrefix(prefix, below) {
			return true
		}
	}
	_, special := sensitive.Grade(append(below, 'x'))
	return special
}

// changeSeverity grades an unexpected change by the act and the place: high if a user
// gains rights or a program by it, or a sensitive file gains another name.
func changeSeverity(e *event.Event, m *match.Matcher) severity.Severity {
	grade, special := sensitive.Grade(e.Path)
	switch e.Change {
	case event.ChangeSetuid, event.ChangeSetcap, event.ChangeDevice, event.ChangeMount:
		return max(severity.High, grade)
	case event.ChangeExecutable:
		grade = max(severity.Medium, grade) // may be a directory that was named
		if !e.Has(event.FlagCallerPath) {
			grade = max(severity.High, grade)
		}
	case event.ChangeChmod, event.ChangeChown, event.ChangeSetxattr:
		grade = max(severity.Medium, grade)
	}
	if special || steers(e.Path) || m.Program(e.Path) {
		grade = max(severity.High, grade)
	}
	if e.Has(event.FlagCreated) && sensitive.IsCode(e.Path) {
		grade = max(severity.Medium, grade)
	}
	if e.Has(event.FlagOutside) {
		grade = max(severity.High, grade)
	}
	return grade
}
