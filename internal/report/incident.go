package report

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"bobwatch/internal/alert"
	"bobwatch/internal/profile"
	"bobwatch/internal/rule"
)

// maxActors bounds the processes named for one deviation. All are counted.
const maxActors = 8

// join adds the processes to the findings, and adds incidents that are not among the
// findings: acts of a user at a terminal, and acts that no document can allow.
func (t *Trial) join(found []*finding) []*finding {
	for _, i := range t.Incidents {
		incident := &Incident{Alert: readable(i.Alert), Allowance: i.Allowance}
		if !isDeviation(incident.Alert.Rule) {
			continue
		}
		f := matching(found, incident)
		if f == nil {
			f = alone(incident)
			found = append(found, f)
		}
		f.add(incident)
	}
	return found
}

func isDeviation(id rule.ID) bool {
	return id != rule.Suppressed && id != rule.DocumentRefused
}

// matching returns the finding whose entry allows the act of the incident; nil if there
// is none.
func matching(found []*finding, incident *Incident) *finding {
	a := &incident.Alert
	for _, f := range found {
		switch {
		case f.Section != sectionOf(a), f.Container != a.Container.Name:
		case f.entry == nil || incident.Allowance == nil:
			// Nothing can allow it: equal if it reads the same.
			if f.entry == nil && f.Rule == a.Rule && f.Act == alertAct(a) {
				return f
			}
		case covers(f.entry, incident.Allowance):
			return f
		}
	}
	return nil
}

// covers reports whether one container allows all that another does. Their
// names are not looked at.
func covers(have, want *profile.Container) bool {
	h, w := *have, *want
	h.Name, h.Type, w.Name, w.Type = "", "", "", ""
	return len(profile.Covers(document(h), document(w))) == 0
}

func document(c profile.Container) *profile.Profile {
	return &profile.Profile{Spec: profile.Spec{Containers: []profile.Container{c}}}
}

// alone makes a finding of an incident.
func alone(incident *Incident) *finding {
	a := &incident.Alert
	if incident.Allowance != nil && !isSingle(incident.Allowance) {
		incident.Allowance = nil // it would allow more than this
	}
	f := &finding{
		Deviation: Deviation{
			Container:   a.Container.Name,
			Section:     sectionOf(a),
			Rule:        a.Rule,
			Act:         alertAct(a),
			Unallowable: incident.Allowance == nil,
		},
	}
	if incident.Allowance != nil {
		entry := *incident.Allowance
		f.entry = &entry
	}
	return f
}

// isSingle reports whether a container has one entry, of one system call, one
// execution or one open.
func isSingle(c *profile.Container) bool {
	n := len(c.Execs) + len(c.Opens)
	for _, names := range c.Syscalls {
		n += len(names)
	}
	rest := *c
	rest.Name, rest.Type, rest.Syscalls, rest.Execs, rest.Opens = "", "", nil, nil, nil
	return n == 1 && reflect.DeepEqual(rest, profile.Container{})
}

// add counts an incident of the finding.
func (f *finding) add(incident *Incident) {
	a := &incident.Alert
	if f.incidents == nil {
		f.Severity = a.Severity // the entry alone does not say whether it was refused
	}
	f.incidents = append(f.incidents, incident)
	f.Severity = max(f.Severity, a.Severity)
	if f.First.IsZero() || a.First.Before(f.First) {
		f.First = a.First
	}
	if a.Last.After(f.Last) {
		f.Last = a.Last
	}
	if f.Allow == "" {
		f.Allow = a.Allow.String()
	}
	chain := append([]alert.Process{a.Process}, a.Ancestors...)
	slices.Reverse(chain)
	actor := Actor{Chain: chain, Origin: a.Origin, Pod: a.Pod.Name, Node: a.Node, Count: a.Count, Outsider: -1}
	f.Deviation.add(actor)
}

// add counts an actor. Those that look alike are one.
func (d *Deviation) add(actor Actor) {
	i := slices.IndexFunc(d.Actors, func(known Actor) bool { return known.looksLike(&actor) })
	switch {
	case i >= 0:
		d.Actors[i].Count += actor.Count
	case len(d.Actors) < maxActors:
		d.Actors = append(d.Actors, actor)
	default:
		d.Actors[maxActors-1].Count += actor.Count
	}
}

func (a *Actor) looksLike(other *Actor) bool {
	same := func(p, q alert.Process) bool { return p.Exe == q.Exe && slices.Equal(p.Args, q.Args) }
	return a.Pod == other.Pod && a.Node == other.Node && a.Origin == other.Origin &&
		slices.EqualFunc(a.Chain, other.Chain, same)
}

func sectionOf(a *alert.Alert) Section {
	switch {
	case a.Deviation.Syscall != nil:
		return Syscalls
	case a.Deviation.Exec != nil:
		return Execs
	case a.Deviation.Open != nil:
		return Opens
	}
	return Other
}

// alertAct names the act of an alert.
func alertAct(a *alert.Alert) string {
	d := &a.Deviation
	switch {
	case d.Syscall != nil:
		return callAct(d.Syscall.ABI, callName(d.Syscall))
	case d.Exec != nil:
		return execAct(d.Exec.Path, d.Exec.Args)
	case d.Open != nil:
		return openAct(d.Open.Path, d.Open.Flags) + circumstancesOf(d.Open)
	case d.Moved != nil:
		return "left the container for cgroup " + d.Moved.Cgroup
	}
	return a.Message
}

func circumstancesOf(open *alert.Open) string {
	text := ""
	if open.IOUring {
		text = " through io_uring"
	}
	if open.Refused != "" {
		text += ", refused with " + open.Refused
	}
	return text
}

func callName(call *alert.Syscall) string {
	if call.Name == "" {
		return fmt.Sprintf("number %d", call.Number)
	}
	return call.Name
}

// actOf names the act that an entry allows.
func actOf(entry *profile.Container) string {
	for arch, names := range entry.Syscalls {
		return callAct(arch, shown(strings.Join(names, ", ")))
	}
	for _, exec := range entry.Execs {
		return execAct(shown(exec.Path), each(exec.Args, shown))
	}
	for _, open := range entry.Opens {
		return openAct(shown(open.Path), strings.Join(open.Flags, " "))
	}
	return ""
}

func callAct(abi, name string) string {
	switch abi {
	case "386", "arm":
		return "32-bit system call " + name
	case "x32":
		return "x32 system call " + name
	}
	return "system call " + name
}

func execAct(path string, args []string) string {
	if len(args) == 0 {
		return "execution of " + path
	}
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = arg
		if arg == "" || strings.ContainsAny(arg, ` "`) {
			quoted[i] = "“" + arg + "”"
		}
	}
	return "execution of " + path + ": " + strings.Join(quoted, " ")
}

func openAct(path, flags string) string {
	switch flags {
	case "O_RDONLY":
		return "read of " + path
	case "O_WRONLY":
		return "write to " + path
	case "O_PATH":
		return "lookup of " + path
	}
	return "read and write of " + path
}
