// Package detector judges events against what a profile allows.
//
// Its invariant: Check takes no lock, does no I/O and allocates nothing, so
// that the goroutine that reads the kernel's records can call it for each.
package detector

import (
	"bytes"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
	"bobwatch/internal/syscalls"
)

// Deviation is an act that a profile does not allow.
type Deviation struct {
	Rule     rule.ID
	Severity severity.Severity
	// Verdict tells an unknown path from a known one with unknown arguments or
	// access. It means something for executions and opens only.
	Verdict profile.Verdict
	// Event is what happened. It is valid as long as the event that was
	// checked: until the next one is read.
	Event *event.Event
}

// Detector finds deviations. It is immutable and safe for concurrent use.
type Detector struct {
	native [syscalls.MaxNr]severity.Severity
	compat [syscalls.MaxNr]severity.Severity
}

// New returns a detector for the system calls of arch, a GOARCH name.
func New(arch string) *Detector {
	return &Detector{
		native: grades(arch),
		compat: grades(syscalls.Compat(arch)),
	}
}

// grades lists the severity of each call of arch. A number without a name is
// a call newer than our tables, or one probed for: nothing graded it, so it
// is no mere remark.
func grades(arch string) [syscalls.MaxNr]severity.Severity {
	var graded [syscalls.MaxNr]severity.Severity
	for nr := range uint32(syscalls.MaxNr) {
		graded[nr] = severity.Medium
		if name, ok := syscalls.Name(arch, nr); ok {
			graded[nr] = syscalls.Severity(name)
		}
	}
	return graded
}

// Check judges e by m, and reports whether it deviates. m is the matcher of
// whoever acted: an event with event.FlagRuntime is not the workload's, and
// not for the workload's matcher. Kinds that are no acts never deviate.
func (d *Detector) Check(e *event.Event, m *profile.Matcher) (Deviation, bool) {
	switch e.Kind {
	case event.KindSyscall:
		return d.checkSyscall(e, m)
	case event.KindExec:
		return checkExec(e, m)
	case event.KindOpen:
		return checkOpen(e, m)
	case event.KindMoved:
		// No profile can allow it: what a process does after it left is not
		// told to this container any more.
		return Deviation{Rule: rule.LeftContainer, Severity: severity.Critical, Event: e}, true
	}
	return Deviation{}, false
}

func (d *Detector) checkSyscall(e *event.Event, m *profile.Matcher) (Deviation, bool) {
	var grade severity.Severity
	switch e.ABI {
	case event.ABINative:
		if m.Syscall(e.Nr) {
			return Deviation{}, false
		}
		grade = gradeOf(&d.native, e.Nr)
	case event.ABICompat:
		if m.CompatSyscall(e.Nr) {
			return Deviation{}, false
		}
		// The 32-bit table is a known way around filters. In a workload that
		// has never used it, any call through it is telling.
		grade = max(severity.Medium, gradeOf(&d.compat, e.Nr))
		if known := m.CompatSyscalls(); known.Len() == 0 {
			grade = max(severity.High, grade)
		}
	case event.ABIX32:
		// Hardly any program is built for x32; code that avoids a filter is.
		grade = max(severity.High, gradeOf(&d.native, e.Nr&^x32Bit))
	default:
		grade = severity.Medium
	}
	return Deviation{Rule: rule.UnexpectedSyscall, Severity: grade, Event: e}, true
}

// x32Bit is __X32_SYSCALL_BIT of arch/x86/include/uapi/asm/unistd.h.
const x32Bit = 1 << 30

func gradeOf(graded *[syscalls.MaxNr]severity.Severity, nr uint32) severity.Severity {
	if nr >= syscalls.MaxNr {
		return severity.Medium
	}
	return graded[nr]
}

func checkExec(e *event.Event, m *profile.Matcher) (Deviation, bool) {
	verdict := m.Exec(e.Path, e.Args)
	switch verdict {
	case profile.Allowed:
		return Deviation{}, false
	case profile.DetailUnknown:
		grade := execSeverity(e, severity.Low)
		return Deviation{Rule: rule.UnexpectedArguments, Severity: grade, Verdict: verdict, Event: e}, true
	default:
		grade := execSeverity(e, severity.Medium)
		return Deviation{Rule: rule.UnexpectedProcess, Severity: grade, Verdict: verdict, Event: e}, true
	}
}

func checkOpen(e *event.Event, m *profile.Matcher) (Deviation, bool) {
	if nameless(e) {
		return Deviation{}, false
	}
	verdict := m.Open(e.Path, e.Access)
	if verdict == profile.Allowed {
		return Deviation{}, false
	}
	return Deviation{Rule: rule.UnexpectedFileAccess, Severity: openSeverity(e), Verdict: verdict, Event: e}, true
}

// nameless reports whether the opened file is in no directory tree: a pipe, a
// socket, an anonymous inode or a memfd, reached through /proc/self/fd. A
// process has these open already, so opening one again gains nothing, and no
// document can name them: the learner passes them over by the same rule. A
// memfd that is executed is an execution.
func nameless(e *event.Event) bool {
	return e.Has(event.FlagMemfd) || bytes.IndexByte(e.Path, '/') < 0
}
