package glob

import "strings"

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
