// Package detector judges events against what a profile allows.
//
// Its invariant: Check takes no lock, does no I/O and allocates nothing, so
// that the goroutine that reads the kernel's records can call it for each.
package detector

import (
	"bobwatch/internal/event"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
	"bobwatch/internal/syscalls"
)

// Deviation is an act that a profile does not allow.
type Deviation struct {
	Rule     rule.ID
	Severity severity.Severity
	// Verdict distinguishes an unknown path from a known one with unknown
	// arguments or access. It has a meaning for executions and opens only.
	Verdict match.Verdict
	// Also are the other rules that the act breaks, in no order; empty ones are
	// none.
	Also [MaxAlso]rule.ID
	// Event is the act. It is valid as long as the checked event: until the next
	// one is read.
	Event *event.Event
	// Message is the sentence of a rule that a user wrote; empty for others.
	Message string
}

// MaxAlso bounds the rules that a Deviation lists in addition to the one that reports it.
const MaxAlso = 4

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

// Check judges e by m, and reports whether it deviates. m has to be the matcher of
// the actor: the workload's, or the runtime's for an event with event.FlagRuntime.
// Without a matcher only acts deviate that no profile can allow. Kinds that are no
// acts never deviate.
func (d *Detector) Check(e *event.Event, m *match.Matcher) (Deviation, bool) {
	if e.Kind == event.KindMoved {
		return checkMoved(e)
	}
	if m == nil {
		return Deviation{}, false
	}
	switch e.Kind {
	case event.KindSyscall:
		return d.checkSyscall(e, m)
	case event.KindExec:
		return checkExec(e, m)
	case event.KindOpen:
		return checkOpen(e, m)
	case event.KindChange:
		return checkChange(e, m)
	case event.KindConnection:
		return checkContact(e, m)
	case event.KindSocket:
		return checkSocket(e, m)
	}
	return Deviation{}, false
}
