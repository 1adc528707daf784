package match

import (
	"bobwatch/internal/event"
	"bobwatch/internal/profile"
)

func (m *Matcher) addChange(leaf uint32, change profile.Change) {
	if int(leaf) == len(m.changes) {
		m.changes = append(m.changes, 0)
	}
	m.changes[leaf] |= profile.ActsOf(change.Acts)
}

// Change judges a change of the file or name at path. DetailUnknown is a path
// that other acts may change.
func (m *Matcher) Change(path []byte, act event.ChangeAct) Verdict {
	if !m.Judges(profile.SenseChanges) {
		return Allowed
	}
	verdict := PathUnknown
	m.changePaths.Match(path, func(leaf uint32) bool {
		verdict = DetailUnknown
		if m.changes[leaf].Has(act) {
			verdict = Allowed
		}
		return verdict == Allowed
	})
	if verdict != Allowed && (m.DirectoryChange(path, act) || writers.Has(act) && m.mayWrite(path)) {
		return Allowed
	}
	return verdict
}

// writers are the changes that a workload that may write a file may also make: none gives
// rights, makes a program or gives a file a second name. A written log is rotated some
// day.
var writers = profile.ActsOf([]string{"rename", "unlink", "truncate", "chmod", "chown"})

// mayWrite reports whether documents speak for opens, and allow writing the file.
func (m *Matcher) mayWrite(path []byte) bool {
	return m.Judges(profile.SenseOpens) && m.OpenWritten(path, event.AccessWrite) == Allowed
}

// Program reports whether path is that of a program which may be executed.
func (m *Matcher) Program(path []byte) bool {
	found := false
	m.execPaths.Match(path, func(uint32) bool {
		found = true
		return true
	})
	return found
}
