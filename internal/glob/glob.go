// Package glob is the grammar of patterns in documents: of paths, arguments,
// names and addresses. It matches them, and says which pattern covers which.
//
// A wildcard is one only as a whole path segment, argument, word or label; within
// one, and to write any byte, there is what package names describes. Nothing here knows the document, and matching a path or arguments does not
// allocate.
package glob

import (
	"bytes"
	"slices"
	"strings"

	"bobwatch/internal/names"
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

// hasWildcard reports whether pattern stands for more than one path.
func hasWildcard(pattern string) bool {
	for segment := range strings.SplitSeq(pattern, "/") {
		if IsWildcard(segment) {
			return true
		}
		if _, ok := literalName(segment); !ok {
			return true
		}
	}
	return false
}

// literalName returns the name that a segment which is no wildcard stands for,
// and whether it stands for one alone.
func literalName(segment string) (name string, ok bool) {
	if !names.HasPattern(segment) {
		return segment, true
	}
	return names.Parse(segment).Literal()
}

// LiteralPath returns the path that pattern stands for, and whether it stands
// for one alone.
func LiteralPath(pattern string) (path string, ok bool) {
	if hasWildcard(pattern) {
		return "", false
	}
	segments := strings.Split(pattern, "/")
	for i, segment := range segments {
		segments[i], _ = literalName(segment)
	}
	return strings.Join(segments, "/"), true
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
