package glob

import (
	"bytes"
	"hash/maphash"
	"slices"

	"bobwatch/internal/names"
)

// Paths finds the patterns that match a path, in time that grows with the
// path and not with the number of patterns. Patterns without wildcards are one
// hash table; the others are an automaton whose states are the nodes of a trie
// of segments. Only the patterns with holes within names of one directory are
// tried one after another. It is immutable and safe for concurrent use.
//
// An absolute path begins with an empty segment, which only itself and "*"
// match. So "/*" does not match "/", and a bare "*" does.
type Paths struct {
	seed      maphash.Seed
	mergedUsr bool
	text      []byte // of all literals and segments
	literals  []literalSlot
	nodes     []pathState // the first is the root; none if no pattern has wildcards
	edges     []edgeSlot
	parts     []partEdge
}

// literalSlot is an entry of a table with open addressing.
type literalSlot struct {
	tag    uint32 // upper bits of the hash
	offset uint32
	length uint32
	leaf   uint32 // plus one; 0 is an empty slot
}

// edgeSlot leads from a state over one segment to another.
type edgeSlot struct {
	from   uint32
	offset uint32
	length uint32
	to     uint32 // 0 is an empty slot: nothing leads to the root
}

// partEdge leads from a state over the names that a pattern stands for.
type partEdge struct {
	pattern names.Pattern
	to      uint32
	next    uint32 // of the same state, plus one; 0 is none
}

// pathState is one state of the automaton. Leaves are numbered from one, 0
// means that there is none.
type pathState struct {
	dynamic uint32 // state after any one segment
	star    uint32 // state that any number of segments leaves as it is
	leaf    uint32 // the pattern that ends here
	tail    uint32 // the pattern that ends here with one or more further segments
	parts   uint32 // the first partEdge, plus one; 0 is none
}

// Match calls visit with the leaf of every pattern that matches path, until
// visit returns true. A leaf may be visited more than once. It allocates only
// if more than 32 states are active at once.
func (p *Paths) Match(path []byte, visit func(leaf uint32) (done bool)) {
	switch {
	case len(path) == 0:
	case isClean(path):
		p.matchClean(path, visit)
	default:
		p.matchUnclean(path, visit)
	}
}

// maxUncleanPath is PATH_MAX: no longer path comes from a system call.
const maxUncleanPath = 4096

// matchUnclean matches a path of a caller with superfluous slashes. Paths of the kernel
// have none.
func (p *Paths) matchUnclean(path []byte, visit func(leaf uint32) bool) {
	var buffer [maxUncleanPath]byte
	if len(path) > len(buffer) {
		return
	}
	p.matchClean(appendClean(buffer[:0], path), visit)
}

func (p *Paths) matchClean(path []byte, visit func(leaf uint32) bool) {
	merged := false
	if p.mergedUsr {
		path, merged = cutUsr(path)
	}
	if leaf := p.literal(path); leaf != 0 && visit(leaf-1) {
		return
	}
	if len(p.nodes) == 0 || p.walk(path, false, visit) {
		return
	}
	if merged {
		p.walk(path, true, visit)
	}
}

var usr = []byte("/usr")

// cutUsr returns the short name of a path in a directory that /usr-merged
// systems have under two names, and whether it is one.
func cutUsr(path []byte) ([]byte, bool) {
	short := bytes.TrimPrefix(path, usr)
	if len(short) < 2 || short[0] != '/' {
		return path, false
	}
	top := short[1:]
	if i := bytes.IndexByte(top, '/'); i >= 0 {
		top = top[:i]
	}
	switch string(top) {
	case "bin", "sbin", "lib", "lib32", "lib64", "libx32":
		return short, true
	}
	return path, false
}

// literal returns the leaf of the pattern that is path, plus one.
func (p *Paths) literal(path []byte) uint32 {
	if len(p.literals) == 0 {
		return 0
	}
	hash := maphash.Bytes(p.seed, path)
	mask := uint32(len(p.literals) - 1)
	for i := uint32(hash) & mask; p.literals[i].leaf != 0; i = (i + 1) & mask {
		slot := &p.literals[i]
		if slot.tag == uint32(hash>>32) && bytes.Equal(p.text[slot.offset:slot.offset+slot.length], path) {
			return slot.leaf
		}
	}
	return 0
}

// edge returns the state after segment, whose hash is given, 0 if there is
// none.
func (p *Paths) edge(from uint32, segment []byte, hash uint64) uint32 {
	mask := uint32(len(p.edges) - 1)
	for i := edgeIndex(from, hash) & mask; p.edges[i].to != 0; i = (i + 1) & mask {
		slot := &p.edges[i]
		if slot.from == from && bytes.Equal(p.text[slot.offset:slot.offset+slot.length], segment) {
			return slot.to
		}
	}
	return 0
}

func edgeIndex(from uint32, hash uint64) uint32 {
	return uint32((hash ^ uint64(from)*0x9e3779b97f4a7c15) >> 32)
}

// walk runs the automaton over path, or over its long name below /usr. A state
// of the trie has one parent, so it can be entered only once a step; a star,
// once entered, is never left. So the work for a segment is bounded by the
// number of states that can be active together, and no path makes it worse.
func (p *Paths) walk(path []byte, longName bool, visit func(leaf uint32) bool) bool {
	var currentBuffer, nextBuffer, starBuffer [32]uint32
	current, next := append(currentBuffer[:0], 0), nextBuffer[:0]
	stars := p.enterStars(starBuffer[:0], current)

	segment, rest, more := CutSegment(path)
	if string(path) == "/" {
		more = false
	}
	for {
		hash := maphash.Bytes(p.seed, segment)
		next = next[:0]
		for _, active := range [2][]uint32{current, stars} {
			for _, state := range active {
				if tail := p.nodes[state].tail; tail != 0 && visit(tail-1) {
					return true
				}
				next = p.step(next, state, segment, hash)
			}
		}
		current, next = next, current
		stars = p.enterStars(stars, current)
		switch {
		case longName:
			segment, longName = usr[1:], false
		case more && len(current)+len(stars) > 0:
			segment, rest, more = CutSegment(rest)
		default:
			return p.visitLeaves(current, visit)
		}
	}
}

// step appends the states after segment.
func (p *Paths) step(next []uint32, state uint32, segment []byte, hash uint64) []uint32 {
	if dynamic := p.nodes[state].dynamic; dynamic != 0 && len(segment) > 0 {
		next = append(next, dynamic)
	}
	if to := p.edge(state, segment, hash); to != 0 {
		next = append(next, to)
	}
	for i := p.nodes[state].parts; i != 0; i = p.parts[i-1].next {
		if part := &p.parts[i-1]; part.pattern.Match(segment) {
			next = append(next, part.to)
		}
	}
	return next
}

// enterStars adds to stars those that the states lead to without a segment.
func (p *Paths) enterStars(stars, states []uint32) []uint32 {
	for _, state := range states {
		star := p.nodes[state].star
		if star != 0 && !slices.Contains(stars, star) {
			stars = append(stars, star)
		}
	}
	return stars
}

func (p *Paths) visitLeaves(states []uint32, visit func(leaf uint32) bool) bool {
	for _, state := range states {
		if leaf := p.nodes[state].leaf; leaf != 0 && visit(leaf-1) {
			return true
		}
	}
	return false
}
