package generalise

import (
	"maps"
	"slices"
	"strings"

	"bobwatch/internal/glob"
	"bobwatch/internal/names"
)

// kernelOwned are top-level directories, in addition to those of the image, in which
// names with different numbers are different things: devices, the kernel's own files.
var kernelOwned = map[string]bool{"dev": true, "proc": true, "sys": true}

// mergeSiblings replaces the names of a family in n, which is the directory, by the
// family's pattern. Two names suffice, or one that was made next to the file whose name
// it begins with. Names that the image and the kernel gave stay.
func (s *PathSet) mergeSiblings(n *pathNode, directory []string) {
	if !MayBeFamily(directory, names.Made) {
		return
	}
	f := families{set: s, node: n, directory: directory, madeOnly: imageOwned[directory[1]]}
	for f.set.compared <= maxOfSet && (f.temporaries() || f.pairs()) {
		f.absorb()
	}
}

// MayBeFamily reports whether names in a directory may be of one family. Names that the
// kernel gave never are; names in the image's directories are only if the workload made
// the files. The segments of directory begin with the empty one.
func MayBeFamily(directory []string, origin names.Origin) bool {
	if len(directory) < 2 || kernelOwned[directory[1]] && !isScratch(directory[1:]) {
		return false
	}
	return origin != names.Found || !imageOwned[directory[1]]
}

// families merges the names of one directory.
type families struct {
	set       *PathSet
	node      *pathNode
	directory []string
	madeOnly  bool
}

// names returns those that are no patterns and may be merged, in order.
func (f *families) names() []string {
	var literal []string
	for _, name := range slices.Sorted(maps.Keys(f.node.children)) {
		if _, pattern := f.node.patterns[name]; !pattern && !glob.IsWildcard(name) && (!f.madeOnly || f.node.children[name].made()) {
			literal = append(literal, name)
		}
	}
	return literal
}

// made reports whether the workload created all files at and below n.
func (n *pathNode) made() bool {
	if n.end && !slices.Contains(n.flags, FlagCreated) {
		return false
	}
	for _, child := range n.children {
		if !child.made() {
			return false
		}
	}
	return true
}

// merge moves name to where pattern stands, and reports whether it could.
func (f *families) merge(name string, pattern names.Pattern) bool {
	text := pattern.String()
	target := append(slices.Clip(f.directory), text)
	m := merger{set: f.set, fresh: len(f.directory)}
	if text == name || !m.any(f.node.children[name], target) {
		return false
	}
	into := f.set.child(f.node, text)
	m.merge(into, f.node.children[name], target)
	f.set.prune(f.node, name)
	f.set.collapse(into, target)
	return true
}

// temporaries merges the names that were made next to their base.
func (f *families) temporaries() (merged bool) {
	for _, name := range f.names() {
		if !f.node.children[name].made() {
			continue
		}
		if p, ok := f.temporary(name); ok && f.merge(name, p) {
			merged = true
		}
	}
	return merged
}

func (f *families) temporary(name string) (p names.Pattern, ok bool) {
	for i := len(name) - 1; i > 0 && !ok; i-- {
		for _, base := range []string{name[:i], strings.TrimPrefix(name[:i], ".")} {
			if other := f.node.children[base]; base != name && other != nil && !glob.IsWildcard(base) {
				if p, ok = names.Temporary(name, base); ok {
					return p, true
				}
			}
		}
	}
	return p, false
}

// maxComparisons bounds with how many earlier names of its kind each name is compared,
// maxOfSet the comparisons of all names of a set. An attacker who chooses names so that
// few or none of them merge cannot cause more work than that.
const (
	maxComparisons = 32
	maxOfSet       = 1 << 20
)

// pairs merges names where two are a family.
func (f *families) pairs() (merged bool) {
	earlier := make(map[string][]string)
	for _, name := range f.names() {
		for _, kind := range names.Kinds(name) {
			for _, other := range earlier[kind] {
				if f.set.compared++; f.set.compared > maxOfSet {
					return merged
				}
				if f.node.children[other] != nil && f.node.children[name] != nil && f.pair(other, name) {
					merged = true
					break
				}
			}
			if f.node.children[name] == nil {
				break
			}
			if len(earlier[kind]) < maxComparisons {
				earlier[kind] = append(earlier[kind], name)
			}
		}
	}
	return merged
}

func (f *families) pair(a, b string) bool {
	origin := names.Found
	if f.node.children[a].made() && f.node.children[b].made() {
		origin = names.Made
		if f.beside(a) && f.beside(b) {
			origin = names.Beside
		}
	}
	p, ok := names.Family(a, b, origin)
	if !ok {
		return false
	}
	first := f.merge(a, p)
	return f.merge(b, p) || first
}

// beside reports whether name begins with the name of another file.
func (f *families) beside(name string) bool {
	for i := len(name) - 1; i > 0; i-- {
		if f.node.children[name[:i]] != nil || f.node.children[strings.TrimPrefix(name[:i], ".")] != nil {
			return true
		}
	}
	return false
}

// absorb moves names to where a pattern of the directory stands for them.
func (f *families) absorb() {
	for _, name := range f.names() {
		for _, text := range slices.Sorted(maps.Keys(f.node.patterns)) {
			if p := f.node.patterns[text]; p.Match([]byte(name)) && f.merge(name, p) {
				break
			}
		}
	}
}
