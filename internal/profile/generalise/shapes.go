package generalise

import (
	"slices"

	"bobwatch/internal/glob"
	"bobwatch/internal/interpreter"
)

// shapes replaces the values of one class by ⋯, alone or as words of an argument, where
// commands that are equal except for such values have several of them.
func (g *argGeneraliser) shapes(set commandSet) commandSet {
	groups := make(map[uint64][][]string)
	for _, argv := range set {
		shape := slices.Clone(argv)
		for i := 1; i < len(argv); i++ {
			shape[i] = g.shape(argv, i)
		}
		id := g.hash('s', len(argv), shape)
		groups[id] = append(groups[id], argv)
	}
	shaped := make(commandSet, len(set))
	for _, group := range groups {
		pattern := slices.Clone(group[0])
		for i := range pattern {
			for _, argv := range group {
				pattern[i] = joinArg(pattern[i], argv[i])
			}
		}
		shaped.add(pattern)
	}
	return shaped
}

// shape returns argument i with the values replaced by their classes that may
// vary there. A class begins with a NUL, which no argument has.
func (g *argGeneraliser) shape(argv []string, i int) string {
	span := interpreter.CodeIn(g.path, argv)
	if i < span.Fixed && !span.Has(i) {
		return argv[i]
	}
	words, separators := glob.SplitWords(argv[i])
	if len(words) > 1 && len(words) <= maxWords {
		shape := slices.Clone(words)
		for w, word := range words {
			if class := valueClass(word); class != "" && variableWord(words, separators, w, span.Has(i)) {
				shape[w] = "\x00" + class
			}
		}
		if slices.ContainsFunc(shape, func(word string) bool { return word[0] != 0 && word != glob.Dynamic }) {
			return glob.JoinWords(shape, separators)
		}
		return argv[i]
	}
	if class := valueClass(argv[i]); class != "" && !span.Has(i) {
		return "\x00" + class
	}
	return argv[i]
}

// joinArg returns the pattern for two arguments of one shape.
func joinArg(a, b string) string {
	if a == b {
		return a
	}
	words, separators := glob.SplitWords(a)
	others, _ := glob.SplitWords(b)
	if len(words) < 2 || len(words) != len(others) {
		return glob.Dynamic
	}
	for i := range words {
		if words[i] != others[i] {
			words[i] = glob.Dynamic
		}
	}
	return glob.JoinWords(words, separators)
}
