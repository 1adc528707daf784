package glob

import (
	"hash/maphash"
	"math/bits"
	"strings"

	"bobwatch/internal/names"
)

// PathsBuilder collects the patterns of a paths.
type PathsBuilder struct {
	MergedUsr bool
	leaves    map[string]uint32 // by clean pattern
	patterns  []string          // by leaf
}

// Add returns the leaf of pattern, which is new if no equal one was added. The
// empty pattern matches nothing and has none.
func (b *PathsBuilder) Add(pattern string) (leaf uint32, ok bool) {
	if pattern == "" {
		return 0, false
	}
	clean := []byte(names.CanonicalPath(CleanPath(pattern)))
	if b.MergedUsr && !hasWildcard(string(clean)) {
		clean, _ = cutUsr(clean)
	}
	leaf, ok = b.leaves[string(clean)]
	if !ok {
		leaf = uint32(len(b.patterns))
		if b.leaves == nil {
			b.leaves = make(map[string]uint32)
		}
		b.leaves[string(clean)] = leaf
		b.patterns = append(b.patterns, string(clean))
	}
	return leaf, true
}

// Build returns the patterns that were added, compiled.
func (b *PathsBuilder) Build() *Paths {
	p := &Paths{seed: maphash.MakeSeed(), mergedUsr: b.MergedUsr}
	literals, textBytes := 0, 0
	for _, pattern := range b.patterns {
		textBytes += len(pattern)
		if _, ok := LiteralPath(pattern); ok {
			literals++
		}
	}
	p.literals = make([]literalSlot, tableSize(literals))
	p.text = make([]byte, 0, textBytes)
	automaton := automatonBuilder{paths: p, children: make(map[edgeKey]uint32), parts: make(map[edgeKey]uint32)}
	for leaf, pattern := range b.patterns {
		if path, ok := LiteralPath(pattern); ok {
			p.putLiteral(path, uint32(leaf))
		} else {
			automaton.add(pattern, uint32(leaf))
		}
	}
	automaton.build()
	return p
}

// tableSize returns the slots of a table of n entries: a power of two, at most
// two thirds of them used. No entries need no table.
func tableSize(n int) int {
	if n == 0 {
		return 0
	}
	return 1 << bits.Len(uint(n+n/2))
}

func (p *Paths) putLiteral(pattern string, leaf uint32) {
	hash := maphash.String(p.seed, pattern)
	mask := uint32(len(p.literals) - 1)
	i := uint32(hash) & mask
	for p.literals[i].leaf != 0 {
		i = (i + 1) & mask
	}
	p.literals[i] = literalSlot{
		tag:    uint32(hash >> 32),
		offset: uint32(len(p.text)),
		length: uint32(len(pattern)),
		leaf:   leaf + 1,
	}
	p.text = append(p.text, pattern...)
}

// automatonBuilder adds states to a paths, and at the end their edges.
type automatonBuilder struct {
	paths    *Paths
	children map[edgeKey]uint32 // by names
	parts    map[edgeKey]uint32 // by patterns of names
}

type edgeKey struct {
	from    uint32
	segment string
}

func (b *automatonBuilder) add(pattern string, leaf uint32) {
	if len(b.paths.nodes) == 0 {
		b.paths.nodes = append(b.paths.nodes, pathState{})
	}
	segments := strings.Split(pattern, "/")
	state := uint32(0)
	for i, segment := range segments {
		if segment != Wildcard {
			state = b.child(state, segment)
			continue
		}
		if i == len(segments)-1 {
			b.paths.nodes[state].tail = leaf + 1
			return
		}
		if segments[i+1] != Wildcard {
			state = b.star(state)
		}
	}
	b.paths.nodes[state].leaf = leaf + 1
}

func (b *automatonBuilder) child(from uint32, segment string) uint32 {
	if segment == Dynamic {
		if b.paths.nodes[from].dynamic == 0 {
			to := b.state()
			b.paths.nodes[from].dynamic = to
		}
		return b.paths.nodes[from].dynamic
	}
	name, ok := literalName(segment)
	if !ok {
		return b.part(from, segment)
	}
	key := edgeKey{from: from, segment: name}
	if to, ok := b.children[key]; ok {
		return to
	}
	b.children[key] = b.state()
	return b.children[key]
}

func (b *automatonBuilder) part(from uint32, segment string) uint32 {
	key := edgeKey{from: from, segment: segment}
	if to, ok := b.parts[key]; ok {
		return to
	}
	to := b.state()
	b.parts[key] = to
	b.paths.parts = append(b.paths.parts, partEdge{pattern: names.Parse(segment), to: to, next: b.paths.nodes[from].parts})
	b.paths.nodes[from].parts = uint32(len(b.paths.parts))
	return to
}

func (b *automatonBuilder) star(from uint32) uint32 {
	if b.paths.nodes[from].star == 0 {
		to := b.state()
		b.paths.nodes[from].star = to
	}
	return b.paths.nodes[from].star
}

func (b *automatonBuilder) state() uint32 {
	b.paths.nodes = append(b.paths.nodes, pathState{})
	return uint32(len(b.paths.nodes) - 1)
}

func (b *automatonBuilder) build() {
	p := b.paths
	p.edges = make([]edgeSlot, max(1, tableSize(len(b.children))))
	mask := uint32(len(p.edges) - 1)
	for key, to := range b.children {
		i := edgeIndex(key.from, maphash.String(p.seed, key.segment)) & mask
		for p.edges[i].to != 0 {
			i = (i + 1) & mask
		}
		p.edges[i] = edgeSlot{from: key.from, offset: uint32(len(p.text)), length: uint32(len(key.segment)), to: to}
		p.text = append(p.text, key.segment...)
	}
}
