package profile

import (
	"bytes"
	"path"
	"strings"
)

// interpreter is a program that runs code it finds in its arguments.
type interpreter struct {
	// codeOptions are the letters of the options behind which the code stands.
	// Options of one letter may be joined, as in -lc.
	codeOptions string
}

var (
	shell       = &interpreter{codeOptions: "c"}
	interpreted = map[string]*interpreter{
		"sh": shell, "ash": shell, "bash": shell, "dash": shell, "zsh": shell, "ksh": shell, "mksh": shell,
		"fish": shell, "csh": shell, "tcsh": shell, "rbash": shell, "su": shell, "runuser": shell,
		"python": {"c"}, "perl": {"eE"}, "ruby": {"e"}, "node": {"ep"}, "nodejs": {"ep"}, "lua": {"e"}, "php": {"r"},
	}
)

// IsInterpreter reports whether the program at path takes code as an argument,
// as shells and script languages do. It allocates nothing.
func IsInterpreter(path []byte) bool {
	name := path[bytes.LastIndexByte(path, '/')+1:]
	return interpreted[string(bytes.TrimRight(name, versionBytes))] != nil
}

// versionBytes make up the version behind a program's name, as in python3.11.
const versionBytes = "0123456789.-"

// interpreterOf returns what the program at exe is by its own name or by the
// one it was called by; nil if it runs no code from its arguments.
func interpreterOf(exe string, argv []string) *interpreter {
	if i := interpreted[programName(exe)]; i != nil {
		return i
	}
	if len(argv) > 0 {
		return interpreted[programName(strings.TrimPrefix(argv[0], "-"))]
	}
	return nil
}

// programName returns the last segment of exe without a version behind it.
func programName(exe string) string {
	return strings.TrimRight(path.Base(exe), versionBytes)
}

// codeIndex returns the position of the code among the arguments, or -1.
func codeIndex(exe string, argv []string) int {
	i := interpreterOf(exe, argv)
	if i == nil {
		return -1
	}
	for position := 1; position < len(argv)-1; position++ {
		option := argv[position]
		if !strings.HasPrefix(option, "-") || option == "--" {
			return -1
		}
		if !strings.HasPrefix(option, "--") && strings.ContainsAny(option[1:], i.codeOptions) {
			return position + 1
		}
	}
	return -1
}

// fixed returns how many leading arguments of argv are never generalised as
// values: argv[0], and for an interpreter all up to the script or the code, so
// that a pattern for scripts never lets code in.
func (g *argGeneraliser) fixed(argv []string) int {
	if interpreterOf(g.path, argv) == nil {
		return 1
	}
	if code := codeIndex(g.path, argv); code >= 0 {
		return code + 1
	}
	for i := 1; i < len(argv); i++ {
		if !strings.HasPrefix(argv[i], "-") {
			return i + 1
		}
	}
	return len(argv)
}

// CoversArgs reports whether pattern matches everything that the pattern argv
// matches.
func CoversArgs(pattern, argv []string) bool {
	for i, want := range pattern {
		if want == DynamicArgs {
			return coversTail(pattern[i+1:], argv[i:])
		}
		if i >= len(argv) || !coversArg(want, argv[i]) {
			return false
		}
	}
	return len(argv) == len(pattern)
}

// coversTail matches what follows a ⋯⋯, only ever at the end of what this
// package generalises; another ⋯⋯ in the middle is not searched for.
func coversTail(pattern, argv []string) bool {
	if len(pattern) == 0 {
		return true
	}
	return len(argv) >= len(pattern) && CoversArgs(pattern, argv[len(argv)-len(pattern):])
}

func coversArg(pattern, arg string) bool {
	if pattern == arg {
		return true
	}
	if arg == DynamicArgs || !strings.Contains(pattern, Dynamic) {
		return false
	}
	if pattern == Dynamic {
		return true
	}
	words, separators := splitWords(pattern)
	if len(words) > 1 {
		return coversWords(words, separators, arg)
	}
	return coversSegments(strings.Split(pattern, "/"), strings.Split(arg, "/"))
}

func coversWords(pattern, separators []string, arg string) bool {
	words, others := splitWords(arg)
	if len(words) != len(pattern) || strings.Join(others, "\x00") != strings.Join(separators, "\x00") {
		return false
	}
	for i, word := range pattern {
		if word != words[i] && !(word == Dynamic && PlainWord(words[i])) {
			return false
		}
	}
	return true
}

func coversSegments(pattern, segments []string) bool {
	if len(pattern) != len(segments) {
		return false
	}
	for i, segment := range pattern {
		if segment != segments[i] && segment != Dynamic {
			return false
		}
	}
	return true
}
