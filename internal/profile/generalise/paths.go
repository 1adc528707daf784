package generalise

import (
	"maps"
	"slices"
	"strings"

	"bobwatch/internal/glob"
	"bobwatch/internal/names"
	"bobwatch/internal/profile"
	"bobwatch/internal/sensitive"
)

// maxSegments bounds the depth of a PathSet. Deeper segments become a trailing *.
const maxSegments = 64

// PathSet is a set of files and the flags they were opened with, which
// generalises as it grows: a directory with more names than its threshold
// becomes one ⋯. Its thresholds and its user (see Len) bound its size, not the number of
// added paths.
type PathSet struct {
	thresholds Thresholds
	root       *pathNode
	nodes      int
	// siblings: collapse also merges names that differ in numbers alone.
	siblings bool
	compared int // names that were compared for being siblings
}

// pathNode is a directory or a file. Its name is its key in the parent, which
// may be a wildcard.
type pathNode struct {
	children map[string]*pathNode
	patterns map[string]names.Pattern // of the children whose names have holes
	flags    []string                 // of the path that ends here, sorted
	end      bool                     // a path ends here
	// collapsed: new names become ⋯ wherever that is allowed.
	collapsed bool
	// retryAt is the number of children at which collapsing is worth another
	// try, after one that sensitive places did not let through.
	retryAt int
}

// NewPathSet returns an empty set that generalises at t.
func NewPathSet(t Thresholds) *PathSet {
	return &PathSet{thresholds: t, root: &pathNode{}}
}

// Len is the number of segments the set holds, a measure of its memory.
func (s *PathSet) Len() int { return s.nodes }

// Paths returns the number of paths in the set.
func (s *PathSet) Paths() int { return s.root.ends() }

func (n *pathNode) ends() (count int) {
	if n.end {
		count = 1
	}
	for _, child := range n.children {
		count += child.ends()
	}
	return count
}

// Observe adds path as it was seen, opened with flags, and returns the pattern
// it became and whether the set grew by it. ok is false if the path is too deep
// to be written as a pattern that stays off the sensitive places.
func (s *PathSet) Observe(path string, flags []string) (pattern string, added, ok bool) {
	raw, ok := splitPath(path)
	if !ok {
		return "", false, false
	}
	segments := slices.Clone(raw)
	for i, name := range raw {
		if i < maxSegments { // the rest is a * already
			segments[i] = names.Quote(name)
		}
	}
	return s.add(segments, flags)
}

// Add is Observe for a path that is a pattern, as a document has it.
func (s *PathSet) Add(path string, flags []string) (pattern string, added, ok bool) {
	segments, ok := splitPath(path)
	if !ok {
		return "", false, false
	}
	return s.add(segments, flags)
}

func (s *PathSet) add(segments, flags []string) (pattern string, added, ok bool) {
	flags = flagSet(flags)
	if !s.covers(segments, flags, nil) || s.lacksFact(segments, flags) {
		segments = s.place(segments)
		if added = !s.covers(segments, flags, nil) || s.lacksFact(segments, flags); added {
			s.put(segments, flags)
			s.collapseAlong(segments)
		}
	}
	return joinPath(segments), added, true
}

// lacksFact reports whether the path itself is in the set, and flags say more of how its
// file came about.
func (s *PathSet) lacksFact(segments, flags []string) bool {
	n := s.root
	for _, name := range segments {
		if n = n.children[name]; n == nil {
			return false
		}
	}
	return n.end && slices.ContainsFunc(flags, func(flag string) bool { return isFactFlag(flag) && !slices.Contains(n.flags, flag) })
}

// Contains reports whether the set has a pattern that matches path and allows
// the one access flag. It does not allocate, and may miss patterns that a
// full search would find.
func (s *PathSet) Contains(path []byte, flag string) bool {
	n, rest, more := s.root, path, true
	for more {
		var name []byte
		name, rest, more = glob.CutSegment(rest)
		next := n.children[string(name)]
		if next == nil || glob.IsWildcard(string(name)) || names.HasPattern(string(name)) {
			next = n.children[glob.Dynamic]
		}
		if next == nil {
			return false
		}
		n = next
	}
	return n.end && (len(n.flags) == 0 || slices.Contains(n.flags, flag))
}

// insert is Add, but collapses only names that are volatile by themselves.
func (s *PathSet) insert(path string, flags []string) bool {
	segments, ok := splitPath(path)
	if ok {
		s.put(s.place(segments), flags)
	}
	return ok
}

// place returns the segments of the pattern under which a path belongs in the
// set: volatile names, and new names in a collapsed directory, become ⋯.
func (s *PathSet) place(path []string) []string {
	segments := slices.Clone(path)
	n := s.root
	for i, name := range path {
		if !glob.IsWildcard(name) && (volatileSegment(path, i) || n.collapses(name)) {
			if !narrow(segments, i) {
				widen(segments, i)
			}
		}
		if n != nil {
			n = n.children[segments[i]]
		}
	}
	return segments
}

// collapses reports whether name would become ⋯ as a new name in n.
func (n *pathNode) collapses(name string) bool {
	return n != nil && n.collapsed && n.children[name] == nil
}

// narrow replaces the end of a file's name alone, where it is a file's name with
// something random behind it, unless that would match a sensitive place.
func narrow(segments []string, i int) bool {
	name := segments[i]
	dot := strings.LastIndexByte(name, '.')
	if i != len(segments)-1 || dot < 0 || strings.LastIndexByte(name[:dot], '.') < 1 {
		return false
	}
	p, ok := names.Temporary(name, name[:dot])
	if !ok || strings.Contains(p.String(), names.Number) {
		return false
	}
	segments[i] = p.String()
	if sensitive.Widens(segments, i) {
		segments[i] = name
	}
	return segments[i] != name
}

// widen replaces segment i by ⋯ unless that would match a sensitive place, or
// everything below the root.
func widen(segments []string, i int) {
	if i < 2 {
		return
	}
	name, fresh := segments[i], i
	if configMapGeneration.MatchString(name) {
		fresh = sensitive.NoSegment
	}
	segments[i] = glob.Dynamic
	if sensitive.Widens(segments, fresh) {
		segments[i] = name
	}
}

func (s *PathSet) put(segments, flags []string) {
	n := s.root
	for _, name := range segments {
		n = s.child(n, name)
	}
	n.allow(flags)
}

func (s *PathSet) child(n *pathNode, name string) *pathNode {
	next := n.children[name]
	if next == nil {
		if n.children == nil {
			n.children = make(map[string]*pathNode, 1)
		}
		next = &pathNode{}
		n.children[name] = next
		if p := names.Parse(name); !glob.IsWildcard(name) && p.Holes() > 0 {
			if n.patterns == nil {
				n.patterns = make(map[string]names.Pattern, 1)
			}
			n.patterns[name] = p
		}
		s.nodes++
	}
	return next
}

// allow makes n the end of a path opened with flags.
func (n *pathNode) allow(flags []string) {
	if n.end && !slices.Equal(n.flags, flags) {
		flags = profile.JoinFlags(n.flags, flags)
	}
	n.end, n.flags = true, flags
}

// Opens returns the entries of the set, sorted by path, without entries that others
// cover. Three neighbouring ⋯ or more become *.
func (s *PathSet) Opens() []profile.Open {
	compact := NewPathSet(s.thresholds)
	s.root.each(nil, func(segments []string, end *pathNode) {
		compact.put(joinRuns(segments), end.flags)
	})
	var opens []profile.Open
	compact.root.each(nil, func(segments []string, end *pathNode) {
		if compact.covers(segments, end.flags, end) {
			end.end = false
			return
		}
		opens = append(opens, profile.Open{Path: joinPath(segments), Flags: end.flags})
	})
	slices.SortFunc(opens, func(a, b profile.Open) int { return strings.Compare(a.Path, b.Path) })
	return opens
}

// each calls f for every path in order. f must not keep segments.
func (n *pathNode) each(segments []string, f func(segments []string, end *pathNode)) {
	if n.end {
		f(segments, n)
	}
	for _, name := range slices.Sorted(maps.Keys(n.children)) {
		n.children[name].each(append(segments, name), f)
	}
}

// joinRuns replaces runs of ⋯ that are longer than two by *, where no
// sensitive place forbids it.
func joinRuns(segments []string) []string {
	joined := make([]string, 0, len(segments))
	for i := 0; i < len(segments); {
		run := 0
		for i+run < len(segments) && segments[i+run] == glob.Dynamic {
			run++
		}
		switch {
		case run > 2 && !sensitive.Widens(slices.Concat(joined, []string{glob.Wildcard}, segments[i+run:]), sensitive.NoSegment):
			joined = append(joined, glob.Wildcard)
			i += run
		default:
			run = max(run, 1)
			joined = append(joined, segments[i:i+run]...)
			i += run
		}
	}
	return joined
}

// splitPath returns the segments of a path, at most maxSegments. The first is the text
// before the first slash: empty, or the place where a path begins that does not begin at
// the container's root. It reports false for a name that is no path.
func splitPath(path string) ([]string, bool) {
	path = glob.CleanPath(path)
	if !strings.Contains(path, "/") {
		return nil, false
	}
	segments := strings.SplitN(path, "/", maxSegments+1)
	if len(segments) <= maxSegments {
		return segments, true
	}
	segments[maxSegments] = glob.Wildcard
	return segments, !sensitive.Widens(segments, sensitive.NoSegment)
}

func joinPath(segments []string) string { return strings.Join(segments, "/") }

// flagSet returns the distinct flags in order, nil for none.
func flagSet(flags []string) []string { return slices.Compact(slices.Sorted(slices.Values(flags))) }
