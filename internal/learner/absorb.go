package learner

import (
	"time"

	"bobwatch/internal/event"
	"bobwatch/internal/glob"
	"bobwatch/internal/profile"
	"bobwatch/internal/syscalls"
)

// Absorb learns the facts of another learner about the same workload container, on
// another node or with an earlier image, and reports whether any of them was new. Calls of architectures that are not this machine's are left out.
func (l *Learner) Absorb(c *profile.Container, now time.Time) (added bool) {
	for _, f := range l.factsOf(c) {
		f.Seen = Seen{First: now, Last: now}
		if l.restore(&f) {
			l.backlog.keep(f)
			added = true
		}
	}
	return added
}

// AbsorbState takes over how the workload was learned elsewhere. Times do not
// add up, because the nodes watched at the same time: the longest counts.
func (l *Learner) AbsorbState(now time.Time, other State) {
	l.state.Observed += max(0, other.Observed-l.ObservedFor(now))
	l.state.StartSeen = l.state.StartSeen || other.StartSeen
	l.state.Guarded = l.state.Guarded || other.Guarded
	// What was not watched there is in neither.
	l.state.Network = l.state.Network && other.Network
	l.state.Changes = l.state.Changes && other.Changes
}

// factsOf returns the entries of c as facts.
func (l *Learner) factsOf(c *profile.Container) []Fact {
	facts := callsOf(c, FactSyscall, l.opts.Arch)
	facts = append(facts, callsOf(c, FactCompatSyscall, syscalls.Compat(l.opts.Arch))...)
	for _, e := range c.Execs {
		args := e.Args
		if len(args) == 0 && !e.ArgsRequired {
			args = []string{glob.DynamicArgs}
		}
		facts = append(facts, Fact{Kind: FactExec, Path: e.Path, Args: args})
	}
	for _, o := range c.Opens {
		for _, access := range accessesOf(o.Flags) {
			facts = append(facts, Fact{Kind: FactOpen, Path: o.Path, Access: access})
		}
	}
	for _, change := range c.Changes {
		for _, name := range change.Acts {
			if act, ok := event.ParseChangeAct(name); ok {
				facts = append(facts, Fact{Kind: FactChange, Path: change.Path, Act: act})
			}
		}
	}
	for _, d := range c.Directories {
		facts = append(facts, Fact{Kind: FactDirectory, Path: directoryText(d)})
	}
	return append(facts, contactFactsOf(c)...)
}

func callsOf(c *profile.Container, kind FactKind, arch string) []Fact {
	var facts []Fact
	for _, name := range c.Syscalls[arch] {
		if nr, ok := syscalls.Number(arch, name); ok {
			facts = append(facts, Fact{Kind: kind, Nr: nr})
		}
	}
	return facts
}
