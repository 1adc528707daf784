package detector

import (
	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
	"bobwatch/internal/syscalls"
)

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

func (d *Detector) checkSyscall(e *event.Event, m *match.Matcher) (Deviation, bool) {
	if !m.Judges(profile.SenseSyscalls) {
		return Deviation{}, false
	}
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
