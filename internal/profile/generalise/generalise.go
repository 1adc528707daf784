// Package generalise turns observed acts into patterns of allowed acts: names and
// arguments that differ from run to run become wildcards.
//
// No pattern that it makes matches a sensitive place (package sensitive) that was
// not seen itself, or lets code in as an argument (package interpreter).
package generalise

import (
	"slices"
	"strings"

	"bobwatch/internal/profile"
)

// Thresholds say how many distinct observations stand for a pattern.
type Thresholds struct {
	// Opens is how many distinct names a directory may have in a profile. One
	// more and they become ⋯.
	Opens int
	// Prefixes holds other values of Opens for directories and all below them.
	// The longest prefix wins.
	Prefixes map[string]int
	// Values is how many distinct plain values one argument of an otherwise
	// equal command may have. Values that are numbers, addresses, hashes or
	// temporary paths become ⋯ at the second.
	Values int
	// Lengths is how many argument counts a program may have before its
	// commands become their common beginning and ⋯⋯.
	Lengths int
	// Commands is how many distinct command lines a shell may be handed before
	// any is allowed. Until then only plain words within them are generalised.
	Commands int
}

// DefaultThresholds returns thresholds with which a workload's ordinary variation does
// not deviate, but an extraordinary file does. Names mean little where everybody writes,
// and much where only the image has files.
func DefaultThresholds() Thresholds {
	return Thresholds{
		Opens: 50,
		Prefixes: map[string]int{
			"/etc": 100, "/usr": 200, "/lib": 200,
			"/tmp": 10, "/var/tmp": 10, "/dev/shm": 10, "/run": 20, "/var/run": 20,
			"/var/cache": 20, "/var/log": 20,
		},
		Values:   3,
		Lengths:  4,
		Commands: 64,
	}
}

// Scale returns the thresholds that collapse n times later: for a learner that
// collapses only to bound its memory, and leaves the rest to Generalise.
func (t Thresholds) Scale(n int) Thresholds {
	scaled := t
	scaled.Opens *= n
	scaled.Values *= n
	scaled.Lengths *= n
	scaled.Commands *= n
	scaled.Prefixes = make(map[string]int, len(t.Prefixes))
	for prefix, limit := range t.Prefixes {
		scaled.Prefixes[prefix] = limit * n
	}
	return scaled
}

// opens returns the threshold of the directory with these segments.
func (t *Thresholds) opens(directory []string) int {
	path := joinPath(directory)
	for {
		if limit, ok := t.Prefixes[path]; ok {
			return limit
		}
		parent := strings.LastIndexByte(path, '/')
		if parent < 0 {
			return t.Opens
		}
		path = path[:parent]
	}
}

// Profile returns p with values that vary from run to run replaced by wildcards.
// The result allows everything p allows, and depends on the entries of p alone,
// not on their order; generalising it again changes nothing. A path is never
// widened over a sensitive place (see Sensitive), never below the root itself,
// and a program's path only in directories for temporary files.
func Profile(p *profile.Profile, t Thresholds) *profile.Profile {
	generalised := *p
	generalised.Spec.Containers = slices.Clone(p.Spec.Containers)
	for i := range generalised.Spec.Containers {
		c := &generalised.Spec.Containers[i]
		*c = Container(*c, t)
	}
	return profile.Normalise(&generalised)
}

// maxRounds bounds how often directories are looked for again, among the directories
// that patterns have joined.
const maxRounds = 4

// Container is Generalise for one container. It leaves c unchanged.
func Container(c profile.Container, t Thresholds) profile.Container {
	for range maxRounds {
		known := len(c.Directories)
		c.Directories, c.Opens = wholeDirectories(c.Directories, c.Opens)
		c.Opens = generaliseOpens(c.Opens, t)
		if len(c.Directories) == known {
			break
		}
	}
	c.Opens = withoutFacts(c.Opens)
	c.Changes = generaliseChanges(c.Changes, t)
	c.Execs = generaliseExecs(c.Execs, t)
	return c
}

func generaliseOpens(opens []profile.Open, t Thresholds) []profile.Open {
	set := NewPathSet(t)
	set.siblings = true
	var kept []profile.Open
	for _, o := range opens {
		if !set.insert(o.Path, flagSet(o.Flags)) {
			kept = append(kept, o)
		}
	}
	set.collapse(set.root, nil)
	return profile.NormaliseOpens(append(set.Opens(), kept...))
}

// generaliseExecs generalises the commands of each program. Entries that allow
// any arguments, or none, or name an environment, stay as they are.
func generaliseExecs(execs []profile.Exec, t Thresholds) []profile.Exec {
	type program struct {
		path         string
		argsRequired bool
	}
	var generalised []profile.Exec
	commands := make(map[program][][]string)
	for _, e := range execs {
		e.Path = Program(e.Path)
		if len(e.Args) == 0 || len(e.Envs) != 0 {
			generalised = append(generalised, e)
			continue
		}
		p := program{e.Path, e.ArgsRequired}
		commands[p] = append(commands[p], e.Args)
	}
	for p, argvs := range commands {
		for _, args := range Args(p.path, argvs, t) {
			generalised = append(generalised, profile.Exec{Path: p.path, Args: args, ArgsRequired: p.argsRequired})
		}
	}
	return profile.NormaliseExecs(generalised)
}
