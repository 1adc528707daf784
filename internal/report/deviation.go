package report

import (
	"cmp"
	"slices"
	"strings"

	"bobwatch/internal/event"
	"bobwatch/internal/glob"
	"bobwatch/internal/profile/match"

	judging "bobwatch/internal/judge"
	"bobwatch/internal/profile"
	"bobwatch/internal/rule"
	"bobwatch/internal/rule/builtin"
	"bobwatch/internal/syscalls"
)

// finding is a deviation with the entry that would allow it.
type finding struct {
	Deviation
	// entry is a container with this one entry; nil if nothing can allow it.
	entry     *profile.Container
	incidents []*Incident
}

// deviations returns the observed acts that are not in the document, the worst first.
func (t *Trial) deviations(held *profile.Profile) ([]*finding, error) {
	var found []*finding
	for _, lacking := range profile.Covers(t.Document, held) {
		judges, err := t.judges(&lacking)
		if err != nil {
			return nil, err
		}
		seen := containerOf(held, &lacking)
		for _, entry := range singles(&lacking, seen) {
			if f := judges.find(entry); f != nil {
				found = append(found, f)
			}
		}
	}
	found = t.join(found)
	causes := outsiders(found)
	for _, f := range found {
		f.finish(t, causes)
	}
	slices.SortStableFunc(found, func(a, b *finding) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Section, b.Section), cmp.Compare(a.Act, b.Act))
	})
	return found, nil
}

// containerOf returns the container of p that c is a part of.
func containerOf(p *profile.Profile, c *profile.Container) *profile.Container {
	for i := range p.Spec.Containers {
		if other := &p.Spec.Containers[i]; other.Name == c.Name && other.Type == c.Type {
			return other
		}
	}
	return c
}

// singles returns the entries of c as containers with one entry each. System
// calls, which c has by family, get the names by which they were seen.
func singles(c, seen *profile.Container) []profile.Container {
	var all []profile.Container
	add := func(single profile.Container) {
		single.Name, single.Type = c.Name, c.Type
		all = append(all, single)
	}
	for arch, families := range c.Syscalls {
		for _, family := range families {
			names := slices.DeleteFunc(slices.Clone(seen.Syscalls[arch]), func(name string) bool {
				return syscalls.Family(name) != family
			})
			add(profile.Container{Syscalls: map[string][]string{arch: names}})
		}
	}
	for _, exec := range c.Execs {
		add(profile.Container{Execs: []profile.Exec{exec}})
	}
	for _, open := range c.Opens {
		add(profile.Container{Opens: []profile.Open{open}})
	}
	return all
}

// judges are the document compiled for each architecture, as the agent has it.
type judges map[string]judge

type judge struct {
	judge   *judging.Judge
	matcher *match.Matcher
	abi     event.ABI
}

// defaultArch judges executions and opens, which are the same everywhere.
const defaultArch = "amd64"

// judges compiles the entries of the document for the container c.
func (t *Trial) judges(c *profile.Container) (judges, error) {
	var containers []profile.Container
	var senses []profile.Sense
	for _, d := range t.Document.Spec.Containers {
		if d.Type == c.Type && (d.Name == c.Name || d.Name == "") {
			containers = append(containers, d)
			senses = profile.JoinSenses(senses, t.Document.SensesOf(&d))
		}
	}
	all := make(judges)
	for _, arch := range []string{"amd64", "arm64"} {
		matcher, err := match.Compile(containers, match.Options{Arch: arch, MergedUsr: true, Senses: senses})
		if err != nil {
			return nil, err
		}
		asked, err := judging.New(arch)
		if err != nil {
			return nil, err
		}
		all[arch] = judge{judge: asked, matcher: matcher, abi: event.ABINative}
		all[syscalls.Compat(arch)] = judge{judge: asked, matcher: matcher, abi: event.ABICompat}
	}
	return all, nil
}

// find grades one entry as the agent would grade the act. It returns nil for
// an entry that the agent would let pass, such as one of /bin for /usr/bin.
func (j judges) find(entry profile.Container) *finding {
	f := &finding{entry: &entry, Deviation: Deviation{Container: shown(entry.Name)}}
	e := &event.Event{}
	on := j[defaultArch]
	pattern := false
	switch {
	case len(entry.Syscalls) > 0:
		for arch, names := range entry.Syscalls {
			on = j[arch]
			e = syscallEvent(arch, on.abi, names)
		}
		f.Section, f.Rule = Syscalls, rule.UnexpectedSyscall
	case len(entry.Execs) > 0:
		exec := entry.Execs[0]
		e = &event.Event{Kind: event.KindExec, Path: []byte(exec.Path), Args: []byte(strings.Join(exec.Args, "\x00"))}
		f.Section, f.Rule, pattern = Execs, rule.UnexpectedProcess, isPattern(exec.Path)
	default:
		open := entry.Opens[0]
		e = &event.Event{Kind: event.KindOpen, Path: []byte(open.Path), Access: accessOf(open.Flags)}
		f.Section, f.Rule, pattern = Opens, rule.UnexpectedFileAccess, isPattern(open.Path)
	}
	if d, ok := on.judge.Check(e, on.matcher, builtin.Container{Image: true}); ok {
		f.Rule, f.Severity = d.Rule, d.Severity
	} else if !pattern {
		return nil
	}
	return f
}

func syscallEvent(arch string, abi event.ABI, names []string) *event.Event {
	for _, name := range names {
		if nr, ok := syscalls.Number(arch, name); ok {
			return &event.Event{Kind: event.KindSyscall, ABI: abi, Nr: nr}
		}
	}
	return &event.Event{Kind: event.KindSyscall, ABI: abi, Nr: syscalls.MaxNr}
}

// isPattern reports whether a path stands for any number of segments, which
// no single path can stand for.
func isPattern(path string) bool {
	return slices.Contains(strings.Split(path, "/"), glob.Wildcard)
}

func accessOf(flags []string) event.Access {
	var access event.Access
	for _, flag := range flags {
		a, _ := event.ParseAccess(flag)
		access |= a
	}
	return access
}

// finish fills in the texts of a finding, and the processes that did it.
func (f *finding) finish(t *Trial, causes map[any]bool) {
	native := len(f.Actors) == 0
	for i := range f.Actors {
		actor := &f.Actors[i]
		actor.Outsider = outsider(actor, causes)
		native = native || actor.Outsider < 0
		f.Count += actor.Count
	}
	if f.entry != nil {
		f.Act = actOf(f.entry) + f.circumstances()
	}
	if f.entry != nil && native {
		f.Platform = t.platformOf(f)
	}
	f.Explanation = f.explain()
}

// circumstances returns facts that all incidents share and no entry has: how a file was
// opened, and with which error.
func (f *finding) circumstances() string {
	common := ""
	for i, incident := range f.incidents {
		open := incident.Alert.Deviation.Open
		if open == nil {
			return ""
		}
		if i == 0 {
			common = circumstancesOf(open)
		} else if circumstancesOf(open) != common {
			return ""
		}
	}
	return common
}
