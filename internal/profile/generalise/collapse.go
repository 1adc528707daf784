package generalise

import (
	"maps"
	"slices"

	"bobwatch/internal/glob"
	"bobwatch/internal/names"
	"bobwatch/internal/profile"
	"bobwatch/internal/sensitive"
)

// collapseAlong collapses the directories on the way to segments that have
// grown beyond their threshold.
func (s *PathSet) collapseAlong(segments []string) {
	n := s.root
	for i, name := range segments {
		if len(n.children) > n.retryAt {
			s.collapseNode(n, segments[:i:i])
		}
		next := n.children[name]
		if next == nil {
			next = n.children[glob.Dynamic]
		}
		if next == nil {
			return
		}
		n = next
	}
}

// collapse collapses n, which is the directory, and everything below it. It
// goes from the leaves up: so of a directory of directories, each with too
// many files, at least the files become ⋯ where sensitive places keep the
// directories' names.
func (s *PathSet) collapse(n *pathNode, directory []string) {
	for _, name := range slices.Sorted(maps.Keys(n.children)) {
		s.collapse(n.children[name], append(directory, name))
	}
	if s.siblings {
		s.mergeSiblings(n, slices.Clip(directory))
	}
	s.collapseNode(n, slices.Clip(directory))
}

// collapseNode merges the children of n into one ⋯ if there are too many of them. A child
// keeps its name if the ⋯ would match a sensitive place.
func (s *PathSet) collapseNode(n *pathNode, directory []string) {
	limit := s.thresholds.opens(directory)
	if len(directory) < 2 || len(n.children) <= limit {
		return
	}
	fresh := len(directory)
	m := merger{set: s, fresh: fresh, anywhere: !sensitive.Widens(append(directory, glob.Dynamic, glob.Wildcard), fresh)}
	target := append(directory, glob.Dynamic)
	var mergeable []string
	for name, child := range n.children {
		if !glob.IsWildcard(name) && m.any(child, target) {
			mergeable = append(mergeable, name)
		}
	}
	if len(mergeable) <= limit && !n.collapsed {
		n.retryAt = 2 * len(n.children)
		return
	}
	n.collapsed = true
	slices.Sort(mergeable)
	merged := s.child(n, glob.Dynamic)
	for _, name := range mergeable {
		m.merge(merged, n.children[name], target)
		s.prune(n, name)
	}
	n.retryAt = 2 * len(n.children)
	s.collapse(merged, target)
}

// prune removes a child in which no path ends any more.
func (s *PathSet) prune(n *pathNode, name string) {
	if child := n.children[name]; !child.end && len(child.children) == 0 {
		delete(n.children, name)
		delete(n.patterns, name)
		s.nodes--
	}
}

// merger moves paths to where a ⋯ stands for the name they had.
type merger struct {
	set *PathSet
	// anywhere: no sensitive place is near, whatever the paths are.
	anywhere bool
	// fresh is the segment that the ⋯ is.
	fresh int
}

// may reports whether a path may become segments.
func (m merger) may(segments []string) bool {
	return m.anywhere || !sensitive.Widens(segments, m.fresh)
}

// any reports whether a path at or below n may be moved to segments.
func (m merger) any(n *pathNode, segments []string) bool {
	if m.anywhere || n.end && m.may(segments) {
		return true
	}
	for name, child := range n.children {
		if m.any(child, append(segments, name)) {
			return true
		}
	}
	return false
}

// merge moves the paths at and below from that may be moved to into, whose
// path is segments.
func (m merger) merge(into, from *pathNode, segments []string) {
	if from.end && m.may(segments) {
		into.allow(from.flags)
		from.end, from.flags = false, nil
	}
	into.collapsed = into.collapsed || from.collapsed
	for _, name := range slices.Sorted(maps.Keys(from.children)) {
		child := from.children[name]
		if m.any(child, append(segments, name)) {
			m.merge(m.set.child(into, name), child, append(segments, name))
		}
		m.set.prune(from, name)
	}
}

// covers reports whether a path of the set other than except matches
// everything that the pattern segments matches, with all of flags. It gives up
// with false where wildcards make the search long.
func (s *PathSet) covers(segments, flags []string, except *pathNode) bool {
	search := coverSearch{flags: flags, except: except, steps: 10_000}
	return search.from(s.root, segments)
}

type coverSearch struct {
	flags  []string
	except *pathNode
	steps  int
}

func (c *coverSearch) from(n *pathNode, segments []string) bool {
	if c.steps--; c.steps < 0 {
		return false
	}
	if len(segments) == 0 {
		return n.end && n != c.except && coversFlags(n.flags, c.flags)
	}
	name := segments[0]
	if next := n.children[name]; next != nil && name != glob.Wildcard && c.from(next, segments[1:]) {
		return true
	}
	if next := n.children[glob.Dynamic]; next != nil && !glob.IsWildcard(name) && c.from(next, segments[1:]) {
		return true
	}
	if !glob.IsWildcard(name) && c.fromPatterns(n, segments) {
		return true
	}
	if next := n.children[glob.Wildcard]; next != nil {
		return c.fromWildcard(next, segments)
	}
	return false
}

// fromPatterns goes on behind the names with holes that cover the first segment.
func (c *coverSearch) fromPatterns(n *pathNode, segments []string) bool {
	if len(n.patterns) == 0 {
		return false
	}
	name := names.Parse(segments[0])
	for text, p := range n.patterns {
		if text != segments[0] && p.Covers(name) && c.from(n.children[text], segments[1:]) {
			return true
		}
	}
	return false
}

// fromWildcard goes on behind a *: one that ends its path takes one segment or
// more, another takes any number.
func (c *coverSearch) fromWildcard(n *pathNode, segments []string) bool {
	if n.end && n != c.except && coversFlags(n.flags, c.flags) {
		return true
	}
	if len(n.children) == 0 {
		return false
	}
	for i := range segments {
		if c.from(n, segments[i:]) {
			return true
		}
	}
	return false
}

// coversFlags reports whether an entry with flags have allows all that one
// with flags want does. No flags allow everything.
func coversFlags(have, want []string) bool {
	if len(have) == 0 {
		return true
	}
	if granted, asked := profile.AccessOf(have), profile.AccessOf(want); granted&asked != asked {
		return false
	}
	for _, flag := range want {
		if !isFactFlag(flag) && !slices.Contains(have, flag) && !(profile.IsAccessFlag(flag) && namesAccess(have)) {
			return false
		}
	}
	return len(want) > 0
}

func namesAccess(flags []string) bool { return slices.ContainsFunc(flags, profile.IsAccessFlag) }
