package glob

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"bobwatch/internal/names"
)

// matchPath is the meaning of a path pattern, written for reading and not for
// speed. The automaton is compared with it.
func matchPath(pattern, path string) bool {
	if pattern == "" || path == "" {
		return false
	}
	return matchSegments(splitClean(pattern), splitClean(path))
}

func splitClean(path string) []string {
	clean := string(appendClean(nil, []byte(path)))
	if clean == "/" {
		return []string{""}
	}
	return strings.Split(clean, "/")
}

func matchSegments(pattern, path []string) bool {
	switch {
	case len(pattern) == 0:
		return len(path) == 0
	case pattern[0] == Wildcard && onlyWildcards(pattern):
		return len(path) > 0
	case pattern[0] == Wildcard:
		return matchSegments(pattern[1:], path) || len(path) > 0 && matchSegments(pattern, path[1:])
	case len(path) == 0:
		return false
	case pattern[0] == Dynamic:
		return path[0] != "" && matchSegments(pattern[1:], path[1:])
	}
	return names.Parse(pattern[0]).Match([]byte(path[0])) && matchSegments(pattern[1:], path[1:])
}

func onlyWildcards(pattern []string) bool {
	for _, segment := range pattern {
		if segment != Wildcard {
			return false
		}
	}
	return true
}

// matcher returns what says whether one of the patterns matches a path.
func matcher(mergedUsr bool, patterns ...string) func(path string) bool {
	builder := PathsBuilder{MergedUsr: mergedUsr}
	for _, pattern := range patterns {
		builder.Add(pattern)
	}
	paths := builder.Build()
	return func(path string) (matched bool) {
		paths.Match([]byte(path), func(uint32) bool {
			matched = true
			return true
		})
		return matched
	}
}

func TestPaths(t *testing.T) {
	tests := map[string]struct {
		pattern string
		match   []string
		differ  []string
	}{
		"literal":            {"/etc/passwd", []string{"/etc/passwd", "/etc//passwd", "/etc/passwd/"}, []string{"/etc", "/etc/passwd/x", "etc/passwd", ""}},
		"one segment":        {"/proc/⋯/stat", []string{"/proc/1/stat", "/proc/self/stat"}, []string{"/proc/stat", "/proc/1/2/stat", "/proc//stat"}},
		"last segment":       {"/proc/⋯", []string{"/proc/1"}, []string{"/proc", "/proc/", "/proc/1/stat"}},
		"middle star":        {"/a/*/b", []string{"/a/b", "/a/x/b", "/a/x/y/b", "/a/b/b"}, []string{"/a", "/b", "/a/b/c"}},
		"trailing star":      {"/etc/*", []string{"/etc/a", "/etc/a/b"}, []string{"/etc", "/etc/", "/etcetera"}},
		"root star":          {"/*", []string{"/a", "/a/b"}, []string{"/", "a"}},
		"bare star":          {"*", []string{"/", "/a", "a", "memfd:x"}, []string{""}},
		"adjacent stars":     {"/a/*/*", []string{"/a/b"}, []string{"/a"}},
		"adjacent in middle": {"/a/*/*/b", []string{"/a/b", "/a/c/b"}, []string{"/a"}},
		"star in a segment":  {"/a/x*", []string{"/a/x*"}, []string{"/a/xy"}},
		"two stars":          {"/a/**", []string{"/a/**"}, []string{"/a/b"}},
		"part of a segment":  {"/a/lib⋯.so", []string{"/a/libc.so"}, []string{"/a/lib.so", "/a/libc.so.6", "/a/lib⋯.so", "/a/b/libc.so", "/a/lib$(x).so"}},
		"number":             {"/a/⟦#⟧/x", []string{"/a/7/x"}, []string{"/a/b/x", "/a/x", "/a/⟦#⟧/x"}},
		"a whole part":       {"/a/⟦⋯⟧", []string{"/a/b-_1"}, []string{"/a/b.c", "/a"}},
		"escaped wildcards":  {"/a/⟦2a⟧/⟦e28baf⟧", []string{"/a/*/⋯"}, []string{"/a/b/c", "/a/*/c"}},
		"escaped bytes":      {"/a/caf⟦e9⟧/⋯", []string{"/a/caf\xe9/x"}, []string{"/a/café/x"}},
		"escaped in a name":  {"/a/x⟦2a⟧", []string{"/a/x*"}, []string{"/a/xy"}},
		"two parts of one":   {"/a/⋯.⟦#⟧.tmp", []string{"/a/x.1.tmp"}, []string{"/a/x.y.tmp"}},
		"backslash":          {`/a/\*`, []string{`/a/\*`}, []string{"/a/x", "/a/*"}},
		"leading star":       {"*/Chart.yaml", []string{"/Chart.yaml", "/a/Chart.yaml", "Chart.yaml"}, []string{"/Chart.yaml/x"}},
		"root":               {"/", []string{"/", "//"}, []string{"/a"}},
		"star then dynamic":  {"/a/*/⋯/b", []string{"/a/x/b", "/a/x/y/b"}, []string{"/a/b"}},
		"dynamic then star":  {"/a/⋯/*", []string{"/a/x/y", "/a/x/y/z"}, []string{"/a/x"}},
		"empty":              {"", nil, []string{"", "/", "/a"}},
		"slashes to spare":   {"//a///⋯/", []string{"/a/b"}, []string{"/a"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			matches := matcher(false, tt.pattern)
			for want, paths := range map[bool][]string{true: tt.match, false: tt.differ} {
				for _, path := range paths {
					if got := matches(path); got != want {
						t.Errorf("%q matches %q: %t, want %t", tt.pattern, path, got, want)
					}
					if got := matchPath(tt.pattern, path); got != want {
						t.Errorf("matchPath(%q, %q) = %t", tt.pattern, path, got)
					}
				}
			}
		})
	}
}

// randomPath makes paths of few names, so that they meet patterns often.
func randomPath(r *rand.Rand, segments ...string) string {
	var b strings.Builder
	if r.IntN(20) == 0 {
		b.WriteString("a")
	}
	for range r.IntN(7) {
		b.WriteString("/" + segments[r.IntN(len(segments))])
	}
	if b.Len() == 0 {
		return "/"
	}
	return b.String()
}

func TestPathsAgreeWithNaive(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		var patterns []string
		for range 1 + r.IntN(12) {
			patterns = append(patterns, randomPath(r, "a", "b", "usr", "bin", Dynamic, Wildcard))
		}
		matches := matcher(false, patterns...)
		for range 20 {
			path := randomPath(r, "a", "b", "usr", "bin", "")
			want := false
			for _, pattern := range patterns {
				want = want || matchPath(pattern, path)
			}
			if got := matches(path); got != want {
				t.Fatalf("%v match %q: %t, want %t", patterns, path, got, want)
			}
		}
	}
}

// TestPathsManyStates has more states active at once than fit the stack.
func TestPathsManyStates(t *testing.T) {
	var patterns []string
	for i := range 1 << 8 {
		pattern := ""
		for bit := range 8 {
			pattern += "/" + []string{"a", Dynamic}[i>>bit&1]
		}
		patterns = append(patterns, pattern+fmt.Sprintf("/*/%d", i))
	}
	matches := matcher(false, patterns...)
	for i := range 1 << 8 {
		if path := fmt.Sprintf("/a/a/a/a/a/a/a/a/x/y/%d", i); !matches(path) {
			t.Errorf("nothing matches %q", path)
		}
	}
}

func FuzzPatterns(f *testing.F) {
	f.Add("/etc/*\n/proc/⋯/stat", "/proc/1/stat", "sh\x00-c\x00ping ⋯", "sh\x00-c\x00ping a")
	f.Add("*\n/*/*/a", "//", "⋯⋯\x00a\x00⋯⋯", "a\x00a")
	f.Fuzz(func(t *testing.T, patterns, path, argPatterns, args string) {
		if strings.Count(path, "/") > 20 {
			return // the naive matcher is exponential
		}
		var all []string
		want := false
		for pattern := range strings.SplitSeq(patterns, "\n") {
			if strings.Count(pattern, Wildcard) > 8 {
				return
			}
			all = append(all, pattern)
			if len(path) <= maxUncleanPath && matchPath(pattern, path) {
				want = true
			}
		}
		if got := matcher(false, all...)(path); got != want {
			t.Errorf("%q match %q: %t, want %t", patterns, path, got, want)
		}
		matcher(true, all...)(path)
		pattern := CompileArgs(strings.Split(argPatterns, "\x00"))
		if literal, ok := pattern.Literal(); ok && literal != "" && pattern.Match([]byte(args)) != (literal == args) {
			t.Errorf("literal %q and %q: match = %t", argPatterns, args, literal != args)
		}
		pattern.Match([]byte(args))
	})
}
