// Package syscalls names system calls: their numbers per architecture, which
// of them are one act under several names, and how telling each is.
//
// Architectures carry GOARCH names. "386" and "arm" are the tables of 32-bit
// calls on amd64 and arm64. Everything here is immutable.
package syscalls

import (
	"iter"
	"math/bits"
)

//go:generate go run gen.go

// MaxNr is the first number that does not fit a Set. x32 numbers carry bit 30
// and never fit. The kernel's newest call is 471 at the time of writing.
const MaxNr = 512

// Set is a set of syscall numbers of one architecture.
type Set [MaxNr / 64]uint64

// Add adds nr; a number that does not fit is ignored.
func (s *Set) Add(nr uint32) {
	if nr < MaxNr {
		s[nr/64] |= 1 << (nr % 64)
	}
}

// Has reports whether nr is in the set.
func (s *Set) Has(nr uint32) bool {
	return nr < MaxNr && s[nr/64]&(1<<(nr%64)) != 0
}

// Without returns the calls that are in s and not in t.
func (s Set) Without(t Set) Set {
	for i := range s {
		s[i] &^= t[i]
	}
	return s
}

// Union returns the calls that are in s, in t or in both.
func (s Set) Union(t Set) Set {
	for i := range s {
		s[i] |= t[i]
	}
	return s
}

// Len counts the numbers in the set.
func (s *Set) Len() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// All yields the numbers in ascending order.
func (s Set) All() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for i, word := range s {
			for ; word != 0; word &= word - 1 {
				if !yield(uint32(i*64 + bits.TrailingZeros64(word))) {
					return
				}
			}
		}
	}
}

// table is one architecture's names, both ways.
type table struct {
	names   *[MaxNr]string
	numbers map[string]uint32
}

var tables = map[string]table{
	"amd64": newTable(&namesAMD64),
	"arm64": newTable(&namesARM64),
	"386":   newTable(&names386),
	"arm":   newTable(&namesARM),
}

func newTable(names *[MaxNr]string) table {
	numbers := make(map[string]uint32, MaxNr)
	for nr, name := range names {
		if name != "" {
			numbers[name] = uint32(nr)
		}
	}
	return table{names: names, numbers: numbers}
}

// Supported reports whether arch has a table.
func Supported(arch string) bool {
	_, ok := tables[arch]
	return ok
}

// Compat returns the table of the 32-bit calls that a kernel of arch takes
// besides its own, and "" if it takes none.
func Compat(arch string) string {
	switch arch {
	case "amd64":
		return "386"
	case "arm64":
		return "arm"
	}
	return ""
}

// Number returns the number of the call name on arch.
func Number(arch, name string) (uint32, bool) {
	nr, ok := tables[arch].numbers[name]
	return nr, ok
}

// Name returns the name of the call nr on arch.
func Name(arch string, nr uint32) (string, bool) {
	t, ok := tables[arch]
	if !ok || nr >= MaxNr || t.names[nr] == "" {
		return "", false
	}
	return t.names[nr], true
}
