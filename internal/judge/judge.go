// Package judge judges acts in containers by the rules and by the profiles. The agent
// and bobctl both use it, so they judge alike.
//
// Its invariant: Check takes no lock, does no I/O and, except for rules of users,
// allocates nothing, so that the goroutine that reads the kernel's records can call
// it for each.
package judge

import (
	"fmt"
	"slices"

	"bobwatch/internal/detector"
	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/rule"
	"bobwatch/internal/rule/builtin"
	"bobwatch/internal/rule/cel"
	"bobwatch/internal/rule/custom"
	"bobwatch/internal/severity"
	"bobwatch/internal/syscalls"
)

// Judge is immutable and safe for concurrent use.
type Judge struct {
	detector *detector.Detector
	runtime  *match.Matcher // what container runtimes may do inside of a container
	kinds    [event.Kinds][]compiled
	custom   *custom.Set // rules that users wrote; nil without any
	arch     string
}

// compiled is a rule, ready to be asked about one kind of event.
type compiled struct {
	builtin.Rule
	severity severity.Severity
	need     rule.Need
	// native and compat are the rule's calls.
	native, compat syscalls.Set
}

// New returns a judge of acts on arch, a GOARCH name.
func New(arch string) (*Judge, error) {
	runtime, err := runtimeMatcher(arch)
	if err != nil {
		return nil, err
	}
	j := &Judge{detector: detector.New(arch), runtime: runtime, arch: arch}
	for _, r := range builtin.All() {
		c, err := compile(r, arch)
		if err != nil {
			return nil, err
		}
		for _, kind := range r.Kinds {
			j.kinds[kind] = append(j.kinds[kind], c)
		}
	}
	for kind := range j.kinds {
		// The gravest first; of equals the first of builtin.All.
		slices.SortStableFunc(j.kinds[kind], func(a, b compiled) int { return int(b.severity) - int(a.severity) })
	}
	return j, nil
}

// With returns a judge that also asks these rules.
func (j *Judge) With(rules *custom.Set) *Judge {
	with := *j
	with.custom = rules
	return &with
}

func compile(r builtin.Rule, arch string) (compiled, error) {
	about, ok := rule.Lookup(r.ID)
	if !ok {
		return compiled{}, fmt.Errorf("compile rule %s: it is not registered", r.ID)
	}
	c := compiled{Rule: r, severity: about.Severity, need: about.Profile}
	for _, name := range r.Calls {
		if nr, ok := syscalls.Number(arch, name); ok {
			c.native.Add(nr)
		}
		if nr, ok := syscalls.Number(syscalls.Compat(arch), name); ok {
			c.compat.Add(nr)
		}
	}
	return c, nil
}

// Check judges e, an act in the container c, and reports whether it is wrong.
// m matches the acts that c may do. If m is nil, only the rules that need no profile
// judge. An act of the container runtime is judged by the runtime's own matcher, not by
// m; files and programs of runtimes are not judged.
//
// An act that breaks several rules is one deviation: by the gravest rule, the
// more specific one before that of the profile, as severe as the worst.
func (j *Judge) Check(e *event.Event, m *match.Matcher, c builtin.Container) (detector.Deviation, bool) {
	if e.Has(event.FlagRuntime) {
		if e.Kind != event.KindSyscall && e.Kind != event.KindMoved {
			return detector.Deviation{}, false
		}
		return j.detector.Check(e, j.runtime)
	}
	d, deviates := j.detector.Check(e, m)
	rules := j.kinds[e.Kind%event.Kinds]
	described := speaks(m, e.Kind)
	act := builtin.Act{Event: e, Container: c, Verdict: d.Verdict, Described: described}
	if !described {
		act.Verdict = match.PathUnknown
	}
	wrong := deviates
	byRule := false
	for i := range rules {
		r := &rules[i]
		if !r.looksAt(described, deviates) || !r.broken(act) {
			continue
		}
		also := r.ID
		if !byRule {
			also = d.Rule // of the profile, if it deviates
			d.Rule, d.Event = r.ID, e
			byRule, wrong = true, true
		}
		d.Severity = max(d.Severity, r.severity)
		addAlso(&d, also)
	}
	if j.custom.Due(e.Kind) {
		wrong = j.checkCustom(&d, act, m, deviates, byRule) || wrong
	}
	return d, wrong
}

// checkCustom adds the rules of users that the act breaks to d, which a built-in
// rule reports so far if byRule is set. One of theirs reports it if it is graver.
func (j *Judge) checkCustom(d *detector.Deviation, act builtin.Act, m *match.Matcher, deviates, byRule bool) bool {
	subject := &cel.Subject{Arch: j.arch}
	subject.Set(act.Event, act.Container, m)
	hits := j.custom.Check(subject, act.Described, deviates, nil)
	for i := range hits {
		also := hits[i].ID
		if !byRule || hits[i].Severity > d.Severity {
			also = d.Rule
			d.Rule, d.Event, d.Message = hits[i].ID, act.Event, hits[i].Message(subject)
			byRule = true
		}
		d.Severity = max(d.Severity, hits[i].Severity)
		addAlso(d, also)
	}
	return len(hits) > 0
}

// addAlso adds a rule to those that d breaks in addition to its own.
func addAlso(d *detector.Deviation, id rule.ID) {
	if id == "" || id == d.Rule || slices.Contains(d.Also[:], id) {
		return
	}
	if i := slices.Index(d.Also[:], ""); i >= 0 {
		d.Also[i] = id
	}
}

// Watched returns the calls that rules judge although m allows them: a kernel that
// took them for known would not send them.
func (j *Judge) Watched(m *match.Matcher) (native, compat syscalls.Set) {
	described := speaks(m, event.KindSyscall)
	for i := range j.kinds[event.KindSyscall] {
		r := &j.kinds[event.KindSyscall][i]
		if r.Calls != nil && r.looksAt(described, false) {
			native, compat = native.Union(r.native), compat.Union(r.compat)
		}
	}
	for _, name := range j.custom.Calls(described) {
		if nr, ok := syscalls.Number(j.arch, name); ok {
			native.Add(nr)
		}
		if nr, ok := syscalls.Number(syscalls.Compat(j.arch), name); ok {
			compat.Add(nr)
		}
	}
	return native, compat
}

// speaks reports whether m says anything about acts of a kind.
func speaks(m *match.Matcher, kind event.Kind) bool {
	if m == nil {
		return false
	}
	switch kind {
	case event.KindSyscall:
		return m.Judges(profile.SenseSyscalls)
	case event.KindExec:
		return m.Judges(profile.SenseExecs)
	case event.KindOpen:
		return m.Judges(profile.SenseOpens)
	case event.KindChange:
		return m.Judges(profile.SenseChanges)
	}
	return true
}

// looksAt reports whether the rule has a say: with or without a profile, from
// which the act deviates or not.
func (r *compiled) looksAt(described, deviates bool) bool {
	switch r.need {
	case rule.NeedsProfile:
		return deviates
	case rule.UsesProfile:
		return deviates || !described
	}
	return true
}

func (r *compiled) broken(a builtin.Act) bool {
	if a.Event.Kind == event.KindSyscall && !r.isAbout(a.Event) {
		return false
	}
	return r.Broken == nil || r.Broken(a)
}

// x32Bit is __X32_SYSCALL_BIT of arch/x86/include/uapi/asm/unistd.h.
const x32Bit = 1 << 30

// isAbout reports whether e is one of the rule's system calls.
func (r *compiled) isAbout(e *event.Event) bool {
	if r.Calls == nil {
		return true
	}
	switch e.ABI {
	case event.ABINative:
		return r.native.Has(e.Nr)
	case event.ABICompat:
		return r.compat.Has(e.Nr)
	case event.ABIX32:
		return r.native.Has(e.Nr &^ x32Bit)
	}
	return false
}
