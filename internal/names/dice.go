package names

import (
	_ "embed"
	"math"
)

//go:generate go test -run ^TestTrigrams$ . -update

// trigrams holds what it costs, in eighths of a bit, that a character follows
// two others in names that people gave: words of English and of programs, and
// names of packages. Its index is symbols*(symbols*first + second) + third.
//
//go:embed trigrams.bin
var trigrams []byte

// The symbols of the table: the letters, any digit, and anything else or
// nothing at all.
const (
	symbolDigit = 26
	symbolEdge  = 27
	symbols     = 28
	eighths     = 8
)

func symbolOf(c byte) int {
	switch {
	case isDigit(c):
		return symbolDigit
	case isLetter(c):
		return int(c | 0x20 - 'a')
	}
	return symbolEdge
}

// What changes between capitals and small letters cost, in bits.
const (
	costFirstCapital = 2   // of a word
	costNextCapital  = 0.3 // in a word of capitals
	costAfterCapital = 0.3 // the small letter of a Capitalised word
	costMixed        = 4   // small letter before a capital: a new word, or dice
	costBackToSmall  = 3   // small letter behind several capitals
)

// nameBits returns how many bits it takes to say s to somebody who expects
// the names that people give. In shared, a position says whether all names that
// are compared have the same separator there, which says nothing.
func nameBits(s string, shared []bool) float64 {
	bits, first, second := 0.0, symbolEdge, symbolEdge
	for i := range len(s) {
		symbol := symbolOf(s[i])
		if !shared[i] {
			bits += float64(trigrams[symbols*(symbols*first+second)+symbol])/eighths + caseBits(s, i)
			if symbol == symbolDigit {
				bits += math.Log2(10)
			}
		}
		first, second = second, symbol
	}
	return bits + float64(trigrams[symbols*(symbols*first+second)+symbolEdge])/eighths
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

func caseBits(s string, i int) float64 {
	c := s[i]
	letterBefore := i > 0 && isLetter(s[i-1])
	switch {
	case !isLetter(c):
		if isDigit(c) {
			return 0
		}
		return 1
	case isUpper(c) && letterBefore && isUpper(s[i-1]):
		return costNextCapital
	case isUpper(c) && letterBefore:
		return costMixed
	case isUpper(c):
		return costFirstCapital
	case letterBefore && isUpper(s[i-1]) && i > 1 && isUpper(s[i-2]):
		return costBackToSmall
	case letterBefore && isUpper(s[i-1]):
		return costAfterCapital
	}
	return 0
}

// alphabets are those that generators draw from, smallest first.
var alphabets = []struct {
	size float64
	has  func(c byte) bool
}{
	{16, func(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' }},
	{16, func(c byte) bool { return isDigit(c) || 'A' <= c && c <= 'F' }},
	{26, func(c byte) bool { return 'a' <= c && c <= 'z' }},
	{32, func(c byte) bool { return '2' <= c && c <= '7' || 'a' <= c && c <= 'z' }}, // RFC 4648
	{32, func(c byte) bool { return isDigit(c) || isUpper(c) }},                     // and Crockford's
	{37, func(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'z' || c == '_' }},
	{62, isAlnum},
	{64, isPart},
}

// diceBits returns the bits that each character of the names needs in a code for random
// characters. Shared characters need none.
func diceBits(names []string, shared []bool) float64 {
	for _, alphabet := range alphabets {
		fits := true
		for _, name := range names {
			for i := range len(name) {
				fits = fits && (shared[i] || alphabet.has(name[i]))
			}
		}
		if fits {
			return math.Log2(alphabet.size)
		}
	}
	return math.Inf(1)
}

// dice returns by how many bits the names, parts of equal length, are
// better explained by one generator that drew them all than by people who
// named each. It looks at all of them together, so that one that happens to look like a
// word changes little.
func dice(names ...string) float64 {
	shared := make([]bool, len(names[0]))
	for i := range shared {
		c := names[0][i]
		shared[i] = c == '-' || c == '_'
		for _, name := range names[1:] {
			shared[i] = shared[i] && name[i] == c
		}
	}
	bits := 0.0
	for _, name := range names {
		bits += nameBits(name, shared)
	}
	each := diceBits(names, shared)
	for _, alike := range shared {
		if !alike {
			bits -= each * float64(len(names))
		}
	}
	return bits
}
