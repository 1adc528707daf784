package glob

import "slices"

// Index finds the entries whose paths cover a path or pattern.
type Index struct {
	exact    *Paths
	byLeaf   [][]int // entries, by leaf of exact
	patterns []indexedPattern
}

type indexedPattern struct {
	entry    int
	segments []coverSegment
}

// NewIndex returns the index of n entries; path(i) returns the path of entry i. With
// mergedUsr, /bin and /usr/bin and so on are one place.
func NewIndex(mergedUsr bool, n int, path func(i int) string) *Index {
	var x Index
	builder := PathsBuilder{MergedUsr: mergedUsr}
	for i := range n {
		leaf, ok := builder.Add(path(i))
		if !ok {
			continue
		}
		if int(leaf) == len(x.byLeaf) {
			x.byLeaf = append(x.byLeaf, nil)
		}
		x.byLeaf[leaf] = append(x.byLeaf[leaf], i)
		if hasWildcard(path(i)) {
			x.patterns = append(x.patterns, indexedPattern{entry: i, segments: coverSegments(path(i))})
		}
	}
	x.exact = builder.Build()
	return &x
}

// Covering calls visit with every entry that covers path, until it returns true.
func (x *Index) Covering(path string, visit func(entry int) (done bool)) {
	if name, ok := LiteralPath(path); ok {
		x.exact.Match([]byte(name), func(leaf uint32) bool {
			return slices.ContainsFunc(x.byLeaf[leaf], visit)
		})
		return
	}
	segments := coverSegments(path)
	for _, p := range x.patterns {
		if coversPath(p.segments, segments) && visit(p.entry) {
			return
		}
	}
}
