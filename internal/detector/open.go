package detector

import (
	"bytes"

	"bobwatch/internal/event"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/rule"
	"bobwatch/internal/sensitive"
	"bobwatch/internal/severity"
)

func checkOpen(e *event.Event, m *match.Matcher) (Deviation, bool) {
	if nameless(e) {
		return Deviation{}, false
	}
	verdict, owned := m.Opened(e)
	if verdict == match.Allowed || owned == match.Allowed {
		return Deviation{}, false
	}
	grade := openSeverity(e)
	if owned == match.DetailUnknown {
		grade = severity.Low // a file of the workload's own, used in another way
	}
	return Deviation{Rule: rule.UnexpectedFileAccess, Severity: grade, Verdict: verdict, Event: e}, true
}

// nameless reports whether the opened file is in no directory tree: a pipe, a
// socket, an anonymous inode or a memfd, reached through /proc/self/fd. A
// process has these open already, so opening one again gains nothing, and no
// document can name them: the learner passes them over by the same rule. A
// memfd that is executed is an execution.
func nameless(e *event.Event) bool {
	return e.Has(event.FlagMemfd) || bytes.IndexByte(e.Path, '/') < 0
}

// steering are the places of programs and of their configuration. A write there decides
// which program runs next.
var steering = [][]byte{
	[]byte("/bin/"), []byte("/sbin/"), []byte("/lib/"), []byte("/lib32/"), []byte("/lib64/"), []byte("/libx32/"),
	[]byte("/usr/"), []byte("/opt/"), []byte("/etc/"), []byte("/boot/"), []byte("/root/"),
	[]byte("/var/spool/cron/"), []byte("/proc/sys/"), []byte("/sys/"),
}

// outsidePrefix begins a path with event.FlagOutside.
var outsidePrefix = []byte("outside:")

// openSeverity grades an unexpected open by the place and the access.
func openSeverity(e *event.Event) severity.Severity {
	path := e.Path
	if e.Has(event.FlagOutside) {
		path = bytes.TrimPrefix(path, outsidePrefix)
	}
	grade, special := sensitive.Grade(path)
	if e.Has(event.FlagOutside) {
		grade = max(severity.High, grade) // a way out of the container
	}
	if e.Access&event.AccessWrite != 0 {
		if !e.Has(event.FlagCreated) || special || sensitive.IsCode(path) {
			grade = raise(grade) // changes an existing file, or makes one that may be executed
		}
		if steers(path) {
			grade = max(severity.High, grade)
		}
	}
	if e.Has(event.FlagIOUring) {
		grade = max(severity.High, grade) // hides from tools that watch system calls
	}
	if e.Has(event.FlagRefused) {
		grade = lower(grade) // tried, but it did not happen
	}
	return grade
}

func steers(path []byte) bool {
	for _, prefix := range steering {
		if bytes.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}
