package detector

import "fmt"

// Rule says in which way behaviour left its profile. Where Kubescape has a
// rule of the same meaning it carries Kubescape's id and name, so that
// existing filters and dashboards go on working. Our own ids begin with BW.
type Rule uint8

// The rules.
const (
	// Suppressed is no deviation: it stands for the alerts that a
	// workload's rate limit held back.
	Suppressed Rule = iota
	UnexpectedProcess
	UnexpectedFileAccess
	UnexpectedSyscall
	UnexpectedArguments
	// LeftContainer: a process of the container moved itself, or was moved,
	// into a cgroup outside of it, where it would no longer be watched as the
	// container's.
	LeftContainer
	// DocumentRefused: a document that claims to be a profile was not believed.
	DocumentRefused
	// NoProfile: a workload is to be guarded, and nothing says what it may do.
	NoProfile

	// NumRules is the number of rules.
	NumRules = iota
)

var rules = [NumRules]struct{ id, name string }{
	Suppressed:           {"BW000", "Alerts suppressed"},
	UnexpectedProcess:    {"R0001", "Unexpected process launched"},
	UnexpectedFileAccess: {"R0002", "Unexpected file access"},
	UnexpectedSyscall:    {"R0003", "Unexpected system call"},
	UnexpectedArguments:  {"R0040", "Unexpected process arguments"},
	LeftContainer:        {"BW001", "Process left its container"},
	DocumentRefused:      {"R1016", "Signed profile refused"},
	NoProfile:            {"BW002", "Guarded workload without a profile"},
}

// String returns the rule's id, such as R0001.
func (r Rule) String() string {
	if int(r) < len(rules) {
		return rules[r].id
	}
	return fmt.Sprintf("Rule(%d)", uint8(r))
}

// Name returns the rule's name, such as "Unexpected process launched".
func (r Rule) Name() string {
	if int(r) < len(rules) {
		return rules[r].name
	}
	return r.String()
}

// MarshalText implements encoding.TextMarshaler with the rule's id.
func (r Rule) MarshalText() ([]byte, error) {
	return []byte(r.String()), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Rule) UnmarshalText(text []byte) error {
	for i := range rules {
		if rules[i].id == string(text) {
			*r = Rule(i)
			return nil
		}
	}
	return fmt.Errorf("rule %q is unknown", text)
}
