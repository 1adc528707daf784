package generalise

import (
	"maps"
	"slices"
	"strings"

	"bobwatch/internal/glob"
)

// notNumbered are top-level directories, besides those of the image, in which
// what is numbered are different things: devices, the kernel's own files.
var notNumbered = map[string]bool{"dev": true, "proc": true, "sys": true}

// mergeSiblings replaces names in n, which is the directory, that are equal but
// for the numbers in them: two such are a pid, a generation or a position, and
// there will be a third.
func (s *PathSet) mergeSiblings(n *pathNode, directory []string) {
	if len(directory) < 2 || imageOwned[directory[1]] || notNumbered[directory[1]] {
		return
	}
	target := append(directory, glob.Dynamic)
	m := merger{set: s, fresh: len(directory)}
	alike := make(map[string][]string)
	for _, name := range slices.Sorted(maps.Keys(n.children)) {
		mask := maskDigits(name)
		if mask != name && !glob.IsWildcard(name) && m.any(n.children[name], target) {
			alike[mask] = append(alike[mask], name)
		}
	}
	maps.DeleteFunc(alike, func(_ string, names []string) bool { return len(names) < 2 })
	if len(alike) == 0 {
		return
	}
	merged := s.child(n, glob.Dynamic)
	for _, names := range alike {
		for _, name := range names {
			m.merge(merged, n.children[name], target)
			s.prune(n, name)
		}
	}
	s.collapse(merged, target)
}

// maskDigits returns name with each number in it replaced by a NUL, which no
// name holds.
func maskDigits(name string) string {
	var mask strings.Builder
	digits := false
	for _, r := range []byte(name) {
		switch digit := '0' <= r && r <= '9'; {
		case !digit:
			mask.WriteByte(r)
			digits = false
		case !digits:
			mask.WriteByte(0)
			digits = true
		}
	}
	return mask.String()
}
