package glob

import (
	"strings"

	"bobwatch/internal/names"
)

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
	if arg == DynamicArgs || arg == Dynamic && pattern != Dynamic || !strings.Contains(pattern, Dynamic) && !names.HasPattern(pattern) {
		return false
	}
	if pattern == Dynamic {
		return true
	}
	words, separators := SplitWords(pattern)
	if len(words) > 1 {
		return coversWords(words, separators, arg)
	}
	return coversSegments(strings.Split(pattern, "/"), strings.Split(arg, "/"))
}

func coversWords(pattern, separators []string, arg string) bool {
	words, others := SplitWords(arg)
	if len(words) != len(pattern) || strings.Join(others, "\x00") != strings.Join(separators, "\x00") {
		return false
	}
	for i, word := range pattern {
		if word != words[i] && !(word == Dynamic && PlainWord(words[i])) && !coversName(word, words[i]) {
			return false
		}
	}
	return true
}

// coversName compares patterns within a word. It does not cover a text that could be an
// option.
func coversName(pattern, name string) bool {
	return pattern != Dynamic && name != Dynamic && !strings.HasPrefix(name, "-") && !strings.Contains(name, "/") &&
		names.HasPattern(pattern) && names.Parse(pattern).Covers(names.Parse(name)) ||
		names.HasPattern(pattern) && strings.HasPrefix(name, "-") && strings.HasPrefix(pattern, "-") &&
			name != Dynamic && names.Parse(pattern).Covers(names.Parse(name))
}

func coversSegments(pattern, segments []string) bool {
	if len(pattern) != len(segments) {
		return false
	}
	for i, segment := range pattern {
		if segment != segments[i] && segment != Dynamic && !coversName(segment, segments[i]) {
			return false
		}
	}
	return true
}
