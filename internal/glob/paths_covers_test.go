package glob

import (
	"slices"
	"strings"
	"testing"
)

// TestCoversPathIsSound tries the paths of short patterns: what is said to be
// covered must match wherever the covered one does.
func TestCoversPathIsSound(t *testing.T) {
	var patterns, paths []string
	names := []string{"a", "b", Dynamic, Wildcard}
	var grow func(prefix string, depth int)
	grow = func(prefix string, depth int) {
		for i, name := range names {
			next := prefix + "/" + name
			patterns = append(patterns, next)
			if i < 2 {
				paths = append(paths, next)
			}
			if depth > 1 {
				grow(next, depth-1)
			}
		}
	}
	grow("", 3)
	paths = slices.DeleteFunc(paths, func(p string) bool { return strings.ContainsAny(p, Dynamic+Wildcard) })
	paths = append(paths, "/", "/c/c/c/c", "/a/c/b", "/c", "/a/a/a/a")
	patterns = append(patterns, "*", "*/a", "/")
	covered := 0
	for _, a := range patterns {
		for _, b := range patterns {
			if !coversPath(coverSegments(a), coverSegments(b)) {
				continue
			}
			covered++
			for _, path := range paths {
				if matchPath(b, path) && !matchPath(a, path) {
					t.Errorf("%q is said to cover %q, but only the latter matches %q", a, b, path)
				}
			}
		}
	}
	if covered < len(patterns) {
		t.Errorf("%d pairs covered of %d patterns: not even each by itself", covered, len(patterns))
	}
}
