package detector

import (
	"bytes"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/severity"
)

// raise returns the next worse severity.
func raise(s severity.Severity) severity.Severity {
	return min(s+1, severity.Critical)
}

// lower returns the next better severity.
func lower(s severity.Severity) severity.Severity {
	return max(s, severity.Low+1) - 1
}

// execSeverity raises what an unexpected execution is worth by what is known
// of the file and of how the process came into the container.
func execSeverity(e *event.Event, grade severity.Severity) severity.Severity {
	if profile.IsInterpreter(e.Path, e.Args) {
		grade = max(severity.Medium, grade) // what it is handed is code
	}
	if e.Has(event.FlagMemfd) {
		return severity.Critical // no file to look at afterwards: made to hide
	}
	if e.Flags&(event.FlagUpperLayer|event.FlagDeleted|event.FlagOutside) != 0 {
		return max(severity.High, grade) // not what the image was built with
	}
	// Without a terminal it is a probe as often as a person; with one, somebody
	// sits there and types.
	if e.Origin == event.OriginOutside && e.Has(event.FlagTTY) {
		return raise(grade)
	}
	return grade
}

// steering are the places from which programs are started or told what to do.
// Who writes there decides what runs next.
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
	grade, _ := profile.Sensitive(path)
	if e.Has(event.FlagOutside) {
		grade = max(severity.High, grade) // a way out of the container
	}
	if e.Access&event.AccessWrite != 0 {
		grade = raise(grade)
		if steers(path) {
			grade = max(severity.High, grade)
		}
	}
	if e.Has(event.FlagIOUring) {
		grade = max(severity.High, grade) // hides from whoever watches system calls
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
