// Package glob is the grammar of patterns in documents: of paths, arguments,
// names and addresses. It matches them, and says which pattern covers which.
//
// A wildcard is one only as a whole path segment, argument, word or label.
// Nothing here knows the document, and matching a path or arguments does not
// allocate.
package glob

import (
	"bytes"
	"slices"
	"strings"
)

// Wildcards in paths and arguments, as Kubescape writes them.
const (
	// Dynamic stands for exactly one path segment, or one argument.
	Dynamic = "⋯"
	// Wildcard as a whole path segment stands for any number of segments; at
	// the end of a path for one or more.
	Wildcard = "*"
	// DynamicArgs as a whole argument stands for any number of arguments.
	DynamicArgs = "⋯⋯"
)

// IsWildcard reports whether a path segment is a wildcard.
func IsWildcard(name string) bool { return name == Dynamic || name == Wildcard }

// hasWildcard reports whether a segment of pattern is a wildcard.
func hasWildcard(pattern string) bool {
	for segment := range strings.SplitSeq(pattern, "/") {
		if IsWildcard(segment) {
			return true
		}
	}
	return false
}

// CutSegment returns the first segment of path, and the rest if more follow.
func CutSegment(path []byte) (name, rest []byte, more bool) {
	if i := slices.Index(path, '/'); i >= 0 {
		return path[:i], path[i+1:], true
	}
	return path, nil, false
}

// CleanPath returns path without repeated and final slashes.
func CleanPath(path string) string {
	if path == "" || isClean([]byte(path)) {
		return path
	}
	return string(appendClean(nil, []byte(path)))
}

func isClean(path []byte) bool {
	return (len(path) == 1 || path[len(path)-1] != '/') && !bytes.Contains(path, []byte("//"))
}

// appendClean appends path to dst without repeated and final slashes.
func appendClean(dst, path []byte) []byte {
	for i, c := range path {
		if c == '/' && i > 0 && path[i-1] == '/' {
			continue
		}
		dst = append(dst, c)
	}
	if len(dst) > 1 && dst[len(dst)-1] == '/' {
		dst = dst[:len(dst)-1]
	}
	return dst
}
