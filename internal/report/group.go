package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/rule"
)

// processKey names a process on a node.
type processKey struct {
	node  string
	pid   uint32
	start time.Time
}

func keyOf(a *Actor, p *alert.Process) processKey {
	return processKey{node: a.Node, pid: p.PID, start: p.Start}
}

// groups groups findings by cause: the acts of an unexpected program and its descendants
// belong to its execution. Other acts are grouped by the program that did them.
// Differences between platforms are a group of their own.
func groups(found []*finding) []Group {
	var all []Group
	index := make(map[string]int)
	for _, f := range found {
		g := groupOf(f)
		at, ok := index[g.Title]
		if !ok {
			at = len(all)
			index[g.Title] = at
			all = append(all, g)
		}
		all[at].Severity = max(all[at].Severity, f.Severity)
		all[at].Deviations = append(all[at].Deviations, f.Deviation)
	}
	slices.SortStableFunc(all, func(a, b Group) int {
		return cmp.Or(compareBool(a.Platform, b.Platform), cmp.Compare(b.Severity, a.Severity))
	})
	return all
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// command is a program with its arguments.
type command struct{ exe, args string }

func commandOf(p *alert.Process) command {
	return command{exe: p.Exe, args: strings.Join(p.Args, "\x00")}
}

// outsiders returns the processes that an unexpected execution made, the
// programs that the document does not list, and the commands.
func outsiders(found []*finding) map[any]bool {
	causes := make(map[any]bool)
	for _, f := range found {
		if f.Section != Execs {
			continue
		}
		for _, incident := range f.incidents {
			a := &incident.Alert
			causes[processKey{node: a.Node, pid: a.Process.PID, start: a.Process.Start}] = true
			if a.Rule != rule.UnexpectedArguments && a.Deviation.Exec != nil {
				causes[a.Deviation.Exec.Path] = true
			} else {
				causes[commandOf(&a.Process)] = true
			}
		}
	}
	return causes
}

// groupOf returns the empty group that a finding belongs to.
func groupOf(f *finding) Group {
	if f.Platform != "" {
		return Group{
			Title:       "Differences between platforms",
			Explanation: "Kernels, processors, C libraries and clusters differ in these. They say nothing of an attack, but the agent would report them: accept them once for this platform.",
			Platform:    true,
		}
	}
	if len(f.Actors) == 0 {
		return unattributed(f)
	}
	actor := &f.Actors[0]
	if at := actor.Outsider; at >= 0 {
		return Group{
			Title:       "What " + program(&actor.Chain[at]) + " brought in",
			Explanation: "It should not have been executed this way. Everything it and its children did follows from that.",
		}
	}
	last := &actor.Chain[len(actor.Chain)-1]
	return Group{
		Title:       "New behaviour of " + program(last),
		Explanation: "A program that the document knows did something that the document does not list.",
	}
}

// outsider returns the index of the first process of a chain that should not
// be there, -1 if there is none.
func outsider(a *Actor, causes map[any]bool) int {
	return slices.IndexFunc(a.Chain, func(p alert.Process) bool {
		return causes[keyOf(a, &p)] || causes[commandOf(&p)] || p.Exe != "" && causes[p.Exe]
	})
}

func program(p *alert.Process) string {
	return cmp.Or(p.Exe, p.Comm, "an unknown process")
}

// unattributed groups acts that are not attributed to a process.
func unattributed(f *finding) Group {
	switch f.Section {
	case Execs:
		return Group{
			Title:       "Programs that the document does not list",
			Explanation: "Each was executed, with these arguments.",
		}
	case Opens:
		return Group{
			Title:       "Files that the document does not list",
			Explanation: "Each was opened, or its opening was tried.",
		}
	}
	return Group{
		Title:       "System calls that the document does not list",
		Explanation: "Each was made by at least one process.",
	}
}
