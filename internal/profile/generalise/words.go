package generalise

import (
	"slices"
	"strings"

	"bobwatch/internal/glob"
	"bobwatch/internal/interpreter"
)

// maxWords bounds the words of an argument that is generalised word by word.
const maxWords = 64

// wordGroups proposes, for each plain word of an argument of several, to let
// it vary. It is carried out at the second value.
func (g *argGeneraliser) wordGroups(argv []string) []proposal {
	var proposals []proposal
	span := interpreter.CodeIn(g.path, argv)
	for i := 1; i < len(argv); i++ {
		words, separators := glob.SplitWords(argv[i])
		if len(words) < 2 || len(words) > maxWords || i < span.Fixed && !span.Has(i) {
			continue
		}
		for w, word := range words {
			if !variableWord(words, separators, w, span.Has(i)) || literalWords(words, w) == 0 {
				continue
			}
			blanked := slices.Clone(words)
			blanked[w] = glob.Dynamic
			pattern := slices.Clone(argv)
			pattern[i] = glob.JoinWords(blanked, separators)
			proposals = append(proposals, proposal{
				group:   g.hash('w', i*maxWords+w, pattern),
				value:   word,
				pattern: pattern,
				enough:  func(values map[string]bool) bool { return len(values) > 1 },
			})
		}
	}
	return proposals
}

// similarWords proposes to let all plain words of an argument vary that are no
// options and name no command, where more than t.Values commands differ in
// several of them at once.
func (g *argGeneraliser) similarWords(argv []string) []proposal {
	var proposals []proposal
	span := interpreter.CodeIn(g.path, argv)
	for i := 1; i < len(argv); i++ {
		words, separators := glob.SplitWords(argv[i])
		if len(words) < 2 || len(words) > maxWords || i < span.Fixed && !span.Has(i) {
			continue
		}
		blanked := slices.Clone(words)
		for w := 1; w < len(words); w++ {
			if variableWord(words, separators, w, span.Has(i)) && !strings.HasPrefix(words[w], "-") {
				blanked[w] = glob.Dynamic
			}
		}
		if slices.Equal(blanked, words) {
			continue
		}
		pattern := slices.Clone(argv)
		pattern[i] = glob.JoinWords(blanked, separators)
		proposals = append(proposals, proposal{
			group:   g.hash('W', i, pattern),
			value:   argv[i],
			pattern: pattern,
			enough:  func(values map[string]bool) bool { return len(values) > g.thresholds.Values },
		})
	}
	return proposals
}

// literalWords counts the words other than w that are not ⋯ already.
func literalWords(words []string, w int) int {
	n := 0
	for i, word := range words {
		if i != w && word != glob.Dynamic {
			n++
		}
	}
	return n
}

// variableWord reports whether word w may become ⋯: it is plain, and in code
// it is not where a command is named.
func variableWord(words, separators []string, w int, code bool) bool {
	if words[w] == glob.Dynamic {
		return true
	}
	return glob.PlainWord(words[w]) && !(code && namesCommand(words, separators, w))
}

// namesCommand reports whether word w of a shell's code is the name of a
// command, or may be: the first word, one behind an operator or a reserved word,
// and every word that a command which runs its arguments is given.
func namesCommand(words, separators []string, w int) bool {
	if beginsCommand(words, separators, w) {
		return true
	}
	switch words[w-1] {
	case "then", "do", "else", "if", "while", "until", "elif":
		return true
	}
	if strings.Contains(words[w-1], "=") || interpreter.Named(words[w-1]) {
		return true
	}
	for k := w - 1; k >= 0; k-- {
		name := words[k][strings.LastIndexByte(words[k], '/')+1:]
		if wrappers[name] || interpreter.Named(name) && strings.HasPrefix(words[k+1], "-") {
			return true
		}
		if beginsCommand(words, separators, k) {
			break
		}
	}
	return false
}

// beginsCommand reports whether word w is the first, or stands behind an
// operator.
func beginsCommand(words, separators []string, w int) bool {
	if w == 0 || strings.ContainsAny(separators[w], "\n\r") {
		return true
	}
	before := words[w-1]
	return strings.ContainsAny(before[len(before)-1:], ";&|({`!")
}

// wrappers are words that run what follows them, somewhere behind options of
// their own.
var wrappers = map[string]bool{
	"exec": true, "eval": true, "command": true, "builtin": true, "source": true, ".": true, "trap": true, "time": true,
	"sudo": true, "doas": true, "su": true, "runuser": true, "gosu": true, "su-exec": true, "setpriv": true,
	"env": true, "nohup": true, "nice": true, "ionice": true, "chrt": true, "taskset": true, "setsid": true, "timeout": true,
	"stdbuf": true, "xargs": true, "parallel": true, "watch": true, "flock": true, "script": true, "strace": true,
	"chroot": true, "unshare": true, "nsenter": true, "busybox": true, "toybox": true, "ssh": true,
	"-exec": true, "-execdir": true, "-ok": true, "-okdir": true, // of find
}
