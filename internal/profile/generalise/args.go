package generalise

import (
	"hash/maphash"
	"slices"
	"strings"

	"bobwatch/internal/glob"
	"bobwatch/internal/interpreter"
	"bobwatch/internal/names"
)

// Program returns the path under which a program is allowed. Only
// directories for temporary files lose volatile names; the program's own name,
// and every path a system starts programs from, stays literal.
func Program(path string) string {
	segments, ok := splitPath(path)
	if !ok {
		return path
	}
	widenScratch(segments, len(segments)-1)
	return joinPath(segments)
}

// widenScratch replaces the volatile names among the first n segments by ⋯ that
// lie in a directory for temporary files.
func widenScratch(segments []string, n int) {
	raw := slices.Clone(segments)
	for i := 2; i < n; i++ {
		if isScratch(raw[1:i]) && volatileSegment(raw, i) {
			widen(segments, i)
		}
	}
}

// Args returns patterns that match all commands, the argument
// vectors with which the program at path was run, sorted. It depends on the
// set of commands, not on their order.
//
// A value that is volatile by the look of it becomes ⋯ at once. Numbers,
// addresses and the like become ⋯ where otherwise equal commands differ in
// them, plain values where there are more than t.Values. Of an argument of
// several words only the plain words that differ become ⋯. The code handed to
// an interpreter is generalised by its words alone, and never the name of a
// command within it.
func Args(path string, commands [][]string, t Thresholds) [][]string {
	g := &argGeneraliser{path: path, thresholds: t, seed: maphash.MakeSeed()}
	set := make(commandSet, len(commands))
	for _, argv := range commands {
		set.add(volatileArgs(path, argv))
	}
	for {
		before := set
		set = g.settle(set, g.wordGroups)
		set = g.settle(set, g.similarWords)
		set = g.shapes(set)
		set = g.families(set)
		set = g.settle(set, g.valueGroups)
		set = g.settle(set, g.similarValues)
		set = g.lengths(set)
		set.dropCovered()
		if set.equal(before) {
			return set.sorted()
		}
	}
}

// commandSet holds argument vectors by their NUL-joined form.
type commandSet map[string][]string

func (s commandSet) add(argv []string) { s[strings.Join(argv, "\x00")] = argv }

func (s commandSet) equal(other commandSet) bool {
	for key := range s {
		if _, ok := other[key]; !ok {
			return false
		}
	}
	return len(s) == len(other)
}

func (s commandSet) sorted() [][]string {
	all := make([][]string, 0, len(s))
	for _, argv := range s {
		all = append(all, argv)
	}
	slices.SortFunc(all, slices.Compare)
	return all
}

// maxCoverChecks bounds the commands among which covered ones are looked for:
// each is compared with each.
const maxCoverChecks = 2_000

func (s commandSet) dropCovered() {
	if len(s) > maxCoverChecks {
		return
	}
	for key, argv := range s {
		for other, pattern := range s {
			if other != key && isPattern(pattern) && glob.CoversArgs(pattern, argv) {
				delete(s, key)
				break
			}
		}
	}
}

func isPattern(argv []string) bool {
	return slices.ContainsFunc(argv, func(arg string) bool { return strings.Contains(arg, glob.Dynamic) })
}

type argGeneraliser struct {
	path       string
	thresholds Thresholds
	seed       maphash.Seed
}

// grouping lists the generalisations that argv proposes. The first that enough
// commands propose is carried out: if all were, the set could grow.
type grouping func(argv []string) []proposal

// proposal says that argv becomes pattern together with the other commands of
// its group.
type proposal struct {
	group   uint64 // equal for the commands that would become one
	value   string // the value that differs within the group
	pattern []string
	// enough decides by the distinct values whether the group is carried out.
	enough func(values map[string]bool) bool
}

// settle carries out the generalisations of one grouping until there are none.
func (g *argGeneraliser) settle(set commandSet, propose grouping) commandSet {
	for {
		next := g.pass(set, propose)
		if next == nil {
			return set
		}
		set = next
	}
}

// pass returns the set after one round, or nil if nothing changed.
func (g *argGeneraliser) pass(set commandSet, propose grouping) commandSet {
	values := make(map[uint64]map[string]bool)
	for _, argv := range set {
		for _, p := range propose(argv) {
			if values[p.group] == nil {
				values[p.group] = make(map[string]bool, 1)
			}
			values[p.group][p.value] = true
		}
	}
	next, changed := make(commandSet, len(set)), false
	for _, argv := range set {
		for _, p := range propose(argv) {
			if p.enough(values[p.group]) {
				changed = changed || !slices.Equal(argv, p.pattern)
				argv = p.pattern
				break
			}
		}
		next.add(argv)
	}
	if !changed {
		return nil
	}
	return next
}

// hash returns a name for a group: the parts that its commands have in common.
func (g *argGeneraliser) hash(kind byte, position int, parts []string) uint64 {
	var h maphash.Hash
	h.SetSeed(g.seed)
	h.WriteByte(kind)
	maphash.WriteComparable(&h, position)
	for _, part := range parts {
		h.WriteString(part)
		h.WriteByte(0)
	}
	return h.Sum64()
}

// ObservedArgs returns the pattern for an argument vector of the program at path;
// truncated says that its end is missing. ok is false if the missing end could be code.
func ObservedArgs(path string, argv []string, truncated bool) (pattern []string, ok bool) {
	span := interpreter.CodeIn(path, argv)
	pattern = slices.Clone(argv)
	for i, arg := range argv {
		pattern[i] = names.QuoteArg(arg)
	}
	if len(argv) > 0 && argv[0] == path {
		pattern[0] = Program(names.QuotePath(path)) // what varies in the path varies in the name it is called by
	}
	if !truncated {
		return pattern, true
	}
	// Of code and scripts the first bytes say more than nothing, and they are
	// cut at the same place the next time.
	switch last := len(pattern) - 1; {
	case span.Has(last):
	case last < span.Fixed && span.Open:
		return nil, false
	case last >= span.Fixed:
		pattern = pattern[:last]
	}
	return append(pattern, glob.DynamicArgs), true
}
