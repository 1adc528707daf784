// Package custom holds rules that users write in CEL, and the bindings that say
// where they apply. It reads Kubescape's Rules and RuntimeRuleAlertBinding as
// they are.
//
// Its invariant: a Set is complete. A file with an error makes none, so that the
// last good set stays in force.
package custom

import (
	"slices"
	"sync/atomic"
	"time"

	"bobwatch/internal/event"
	"bobwatch/internal/rule"
	"bobwatch/internal/rule/cel"
	"bobwatch/internal/severity"
)

// Rule is one rule of a file.
type Rule struct {
	rule.Rule
	Description string
	Tags        []string
	// EventTypes are the types of events that the rule looks at, sorted.
	EventTypes []string
	Cases      []Case

	message     *cel.Expression
	expressions map[string][]*cel.Expression // by type of event; all have to hold
	parameters  parameters
}

// Set is all rules in force. It is immutable except for its counters, and safe for
// concurrent use.
type Set struct {
	Rules    []*Rule // sorted by id
	Bindings []*Binding
	// Warnings are remarks about entries without effect.
	Warnings []string
	// Errors counts evaluations without an answer, DryRuns acts that a rule on
	// trial would have reported.
	Errors, DryRuns atomic.Uint64

	kinds [event.Kinds][]due
}

// due is a rule that looks at events of one kind.
type due struct {
	rule   *Rule
	about  eventType
	checks []*cel.Expression
	binds  []bound
	// deviating: only an act that the profile does not allow can break it.
	deviating bool
}

// eventType is one of Kubescape's types of events.
type eventType struct {
	name string
	kind event.Kind
	// calls are the system calls, or the changes of files, that make such an event;
	// nil for all of the kind.
	calls []string
}

// eventTypes are those that the sensor has events for.
var eventTypes = []eventType{
	{"exec", event.KindExec, nil},
	{"open", event.KindOpen, nil},
	{"syscall", event.KindSyscall, nil},
	{"network", event.KindConnection, nil},
	{"socket", event.KindSocket, nil},
	{"change", event.KindChange, nil},
	{"symlink", event.KindChange, []string{"symlink"}},
	{"hardlink", event.KindChange, []string{"link"}},
	{"bpf", event.KindSyscall, []string{"bpf"}},
	{"kmod", event.KindSyscall, []string{"init_module", "finit_module", "delete_module"}},
	{"unshare", event.KindSyscall, []string{"unshare"}},
	{"ptrace", event.KindSyscall, []string{"ptrace"}},
	{"iouring", event.KindSyscall, []string{"io_uring_setup", "io_uring_enter", "io_uring_register"}},
}

// unseenTypes are Kubescape's types that no event of the sensor is of.
var unseenTypes = []string{
	"capabilities", "dns", "randomx", "ssh", "http", "fork", "exit", "procfs", "k8s-admission",
}

// Hit is a rule that an act breaks.
type Hit struct {
	ID       rule.ID
	Severity severity.Severity

	rule *Rule
	typ  string
}

// Message is the sentence that the rule makes of the act; empty if it makes none.
func (h *Hit) Message(s *cel.Subject) string {
	text, err := h.rule.message.Text(s, h.typ)
	if err != nil {
		return ""
	}
	return text
}

// Due reports whether a rule looks at events of the kind.
func (s *Set) Due(kind event.Kind) bool { return s != nil && len(s.kinds[kind%event.Kinds]) > 0 }

// Check appends the rules that the act breaks, the gravest first. The profile of
// the act's container is described if it says something about acts of this kind,
// and the act deviates if the profile does not allow it.
func (s *Set) Check(subject *cel.Subject, described, deviates bool, hits []Hit) []Hit {
	e := subject.Event
	for i := range s.kinds[e.Kind%event.Kinds] {
		d := &s.kinds[e.Kind%event.Kinds][i]
		if d.rule.Profile == rule.NeedsProfile && !described || d.deviating && !deviates || !d.looksAt(subject) {
			continue
		}
		if !s.holds(d, subject) {
			continue
		}
		if grade, ok := s.applies(d, subject); ok {
			hits = append(hits, Hit{d.rule.ID, grade, d.rule, d.about.name})
		}
	}
	slices.SortStableFunc(hits, func(a, b Hit) int { return int(b.Severity) - int(a.Severity) })
	return hits
}

// Calls returns the system calls that rules judge although a profile allows them,
// as far as a rule's types of events name the calls.
func (s *Set) Calls(described bool) []string {
	if s == nil {
		return nil
	}
	var names []string
	for _, d := range s.kinds[event.KindSyscall] {
		if d.rule.Profile == rule.IgnoresProfile || !described && d.rule.Profile == rule.UsesProfile {
			names = append(names, d.about.calls...)
		}
	}
	return names
}

func (d *due) looksAt(s *cel.Subject) bool {
	return d.about.calls == nil || slices.Contains(d.about.calls, s.Act())
}

// holds reports whether all of the rule's expressions hold.
func (s *Set) holds(d *due, subject *cel.Subject) bool {
	for _, x := range d.checks {
		held, err := x.Holds(subject, d.about.name)
		if err != nil {
			s.Errors.Add(1)
			return false
		}
		if !held {
			return false
		}
	}
	return true
}

// applies reports whether the rule is bound to the container, and how grave it is
// there. Without any binding every rule applies to every container.
func (s *Set) applies(d *due, subject *cel.Subject) (severity.Severity, bool) {
	if len(s.Bindings) == 0 {
		return d.rule.Severity, d.rule.parameters.allow(subject)
	}
	grade, found := severity.Low, false
	for _, b := range d.binds {
		if !b.binding.selects(&subject.Container, time.Now()) || !b.parameters.allow(subject) {
			continue
		}
		if b.binding.DryRun {
			s.DryRuns.Add(1)
			continue
		}
		grade, found = max(grade, b.severity), true
	}
	return grade, found
}

// Registered returns the rules as the registry has them.
func (s *Set) Registered() []rule.Rule {
	if s == nil {
		return nil
	}
	all := make([]rule.Rule, len(s.Rules))
	for i, r := range s.Rules {
		all[i] = r.Rule
	}
	return all
}
