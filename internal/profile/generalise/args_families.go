package generalise

import (
	"maps"
	"slices"
	"strings"

	"bobwatch/internal/glob"
	"bobwatch/internal/interpreter"
	"bobwatch/internal/names"
)

// families replaces arguments in which otherwise equal commands differ by the pattern of
// their family: two suffice. No pattern stands for code, for an argument that decides
// whether another is code, or for an option.
func (g *argGeneraliser) families(set commandSet) commandSet {
	groups := make(map[uint64][][]string)
	for _, argv := range set {
		span := interpreter.CodeIn(g.path, argv)
		for i := max(1, span.Fixed); i < len(argv); i++ {
			if !span.Has(i) && mayVary(argv[i]) {
				blanked := slices.Clone(argv)
				blanked[i] = "\x00"
				id := g.hash('f', i, blanked)
				groups[id] = append(groups[id], append(blanked, argv[i]))
			}
		}
	}
	merged := maps.Clone(set)
	for _, id := range slices.SortedFunc(maps.Keys(groups), func(a, b uint64) int { return strings.Compare(first(groups[a]), first(groups[b])) }) {
		g.mergeFamily(merged, groups[id])
	}
	return merged
}

func first(group [][]string) string {
	lowest := ""
	for _, argv := range group {
		if text := strings.Join(argv, "\x00"); lowest == "" || text < lowest {
			lowest = text
		}
	}
	return lowest
}

// mayVary reports whether an argument is one word that may be of a family.
func mayVary(arg string) bool {
	return arg != "" && !glob.IsWildcard(arg) && arg != glob.DynamicArgs && !strings.ContainsFunc(arg, glob.IsSpace)
}

// mergeFamily merges the commands of a group, each with the blanked argument
// behind its last.
func (g *argGeneraliser) mergeFamily(set commandSet, group [][]string) {
	if len(group) < 2 {
		return
	}
	slices.SortFunc(group, slices.Compare)
	at := slices.Index(group[0], "\x00")
	var literal, patterns []string
	for _, argv := range group {
		value := argv[len(argv)-1]
		if names.HasPattern(value) {
			patterns = append(patterns, value)
			continue
		}
		for _, other := range literal[max(0, len(literal)-maxComparisons):] {
			if p, ok := names.Family(other, value, names.Found); ok && matchesBoth(p.Arg(), other, value) && !slices.Contains(patterns, p.Arg()) {
				patterns = append(patterns, p.Arg())
			}
		}
		literal = append(literal, value)
	}
	for _, text := range patterns {
		for _, value := range literal {
			if glob.CoversArgs([]string{text}, []string{value}) {
				command := slices.Clone(group[0][:len(group[0])-1])
				command[at] = value
				delete(set, strings.Join(command, "\x00"))
				command[at] = text
				set.add(command)
			}
		}
	}
}

func matchesBoth(pattern, a, b string) bool {
	return glob.CoversArgs([]string{pattern}, []string{a}) && glob.CoversArgs([]string{pattern}, []string{b})
}
