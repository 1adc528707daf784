package names

import (
	"regexp"
	"slices"
	"strings"
)

// Origin says how names came about, as far as is known.
type Origin uint8

// The origins, from the one that says least of chance.
const (
	// Found: the names were there, or nobody saw where they came from.
	Found Origin = iota
	// Made: the workload created the files.
	Made
	// Beside: it created them next to a known file whose name theirs begin with,
	// like a program that is about to rename one over the other.
	Beside
)

// The bits by which chance has to explain two names better than people
// would, by origin; between brackets for names of letters of one case alone, as
// words are. Measured by TestDiceAndWords: of 10,000 pairs of ordinary names none
// reaches the limit, of 10,000 pairs of each generator all do.
var enough = map[Origin]struct{ mixed, letters float64 }{
	Found:  {mixed: 36, letters: 36},
	Made:   {mixed: -2, letters: 16},
	Beside: {mixed: -2, letters: 12},
}

// shortest is the length of the shortest random part that two names alone
// give away: mkstemp's.
const shortest = 6

// Family returns the pattern of two names that one generator gave: they have
// the same length and the same text around the parts that chance explains
// better, or they are equal except for numbers. Versions are no numbers.
func Family(a, b string, origin Origin) (p Pattern, ok bool) {
	if a == b || strings.IndexByte(a+b, 0) >= 0 {
		return p, false
	}
	p, ok, several := numbered(a, b)
	if len(a) != len(b) || ok && !several {
		return p, ok
	}
	if d, drew := drawn(a, b, origin); drew {
		return d, true
	}
	return p, ok
}

// drawn looks for random parts of equal length, between the characters that
// no random part has.
func drawn(a, b string, origin Origin) (p Pattern, ok bool) {
	var builder patternBuilder
	for at := 0; at < len(a); {
		if !isPart(a[at]) || !isPart(b[at]) {
			if a[at] != b[at] {
				return p, false
			}
			at++
			continue
		}
		end := at
		for end < len(a) && isPart(a[end]) && isPart(b[end]) {
			end++
		}
		if a[at:end] != b[at:end] {
			start, stop := middle(a[at:end], b[at:end])
			start, stop = wholeUUID(a, b, at+singleBefore(a[at:end], start, stop), at+stop)
			if ofVersion(a, b, start, stop) || stop-start < shortest || dice(a[start:stop], b[start:stop]) < threshold(a[start:stop], b[start:stop], origin) {
				return p, false
			}
			builder.hole(a, start, stop, HolePart)
		}
		at = end
	}
	return builder.pattern(a), true
}

// uuid matches one that is written as usual. The first digits of some are the
// time, so that two have them in common.
var uuid = regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`)

// wholeUUID widens a part to the UUID that it is of in both names.
func wholeUUID(a, b string, start, end int) (int, int) {
	for _, at := range uuid.FindAllStringIndex(a, -1) {
		if at[0] <= start && end <= at[1] && uuid.MatchString(b[at[0]:at[1]]) {
			return at[0], at[1]
		}
	}
	return start, end
}

// ofVersion reports whether the difference is part of a version: few letters next to
// dotted numbers.
func ofVersion(a, b string, start, end int) bool {
	letters := func(s string) int { return len(s) - len(strings.Map(withoutLetters, s)) }
	return inVersion(a, start) && inVersion(b, start) && max(letters(a[start:end]), letters(b[start:end])) < 2
}

func withoutLetters(r rune) rune {
	if isLetter(byte(r)) {
		return -1
	}
	return r
}

func threshold(a, b string, origin Origin) float64 {
	if oneCase(a) && oneCase(b) {
		return enough[origin].letters
	}
	return enough[origin].mixed
}

// oneCase reports whether s is written as a word is: small, CAPITAL or
// Capitalised.
func oneCase(s string) bool {
	small := 0
	for i := range len(s) {
		if !isLetter(s[i]) {
			return false
		}
		if i > 0 && !isUpper(s[i]) {
			small++
		}
	}
	return small == 0 || small == len(s)-1
}

// middle returns where the random part of two texts of equal length begins and
// ends. The first and the last characters drawn may be equal by chance: so it
// reaches from one separator to the next, except that a word or a name in
// letters of one case may stand directly before it, as in tmpXXXXXX.
func middle(a, b string) (start, end int) {
	for a[start] == b[start] {
		start++
	}
	end = len(a)
	for a[end-1] == b[end-1] {
		end--
	}
	for end < len(a) && isAlnum(a[end]) {
		end++
	}
	if end < len(a) && (end+1 == len(a) || !isAlnum(a[end+1])) {
		end++ // of two separators, or at the end, it was drawn
	}
	run := start
	for run > 0 && isAlnum(a[run-1]) {
		run--
	}
	word := wordLength(a[run:start])
	if word < shortestWord && run > 0 && (run == 1 || !isAlnum(a[run-2])) {
		return run - 1, end
	}
	if word < shortestWord || word == shortestWord && generated[end-run] {
		return run, end
	}
	start = run + word
	for longer := 1; longer <= 2 && longer < word && !generated[end-start]; longer++ {
		if generated[end-start+longer] {
			return start - longer, end
		}
	}
	return start, end
}

// generated are the usual lengths of what generators draw.
var generated = map[int]bool{
	6: true, 8: true, 10: true, 12: true, 16: true, 20: true, 21: true, 22: true,
	24: true, 26: true, 32: true, 36: true, 40: true, 64: true,
}

// singleBefore widens a part by the single character and the separator before it, if
// that makes it as long as generated names usually are.
func singleBefore(a string, start, end int) int {
	whole := start - 2
	if whole < 0 || !generated[end-whole] || isAlnum(a[start-1]) || !isAlnum(a[whole]) ||
		whole > 0 && isAlnum(a[whole-1]) {
		return start
	}
	return whole
}

// shortestWord is how many letters before a random part are there on purpose:
// fewer can be equal by chance.
const shortestWord = 3

// wordLength returns how many letters of one case text begins with.
func wordLength(text string) int {
	n := 0
	for n < len(text) && oneCase(text[:n+1]) {
		n++
	}
	return n
}

var (
	digits = regexp.MustCompile(`\d+`)
	// version is a dotted one, days among the numbers.
	version = regexp.MustCompile(`(^|\D)\d{1,8}(\.\d{1,8})+(\D|$)`)
)

// longNumber is the length of a number that is no part of a version: an
// address, a time, but no day.
const longNumber = 9

// longDigits is the length from which on numbers of one length may as well be
// hexadecimal ones that happen to have no letter.
const longDigits = 6

// numbered looks for names that are equal except for numbers. several says that two of
// the numbers are in one run of letters and digits; they may be no numbers then.
func numbered(a, b string) (p Pattern, ok, several bool) {
	if maskDigits(a) != maskDigits(b) {
		return p, false, false
	}
	inA, inB := digits.FindAllStringIndex(a, -1), digits.FindAllStringIndex(b, -1)
	var builder patternBuilder
	for i, at := range inA {
		one, other := a[at[0]:at[1]], b[inB[i][0]:inB[i][1]]
		if one == other {
			continue
		}
		if min(len(one), len(other)) < longNumber && (inVersion(a, at[0]) || inVersion(b, inB[i][0])) {
			return p, false, false
		}
		several = several || builder.end > 0 && allAlnum(a[builder.end:at[0]]) ||
			len(one) >= longDigits-1 && glued(a, at[0], at[1])
		kind := HoleNumber
		if len(one) == len(other) && len(one) >= longDigits || max(len(one), len(other)) > MaxNumber {
			kind = HolePart
		}
		builder.hole(a, at[0], at[1], kind)
	}
	return builder.pattern(a), true, several
}

// glued reports whether letters stand directly around a[start:end] that are no
// word before it.
func glued(a string, start, end int) bool {
	if end < len(a) && isAlnum(a[end]) {
		return true
	}
	run := start
	for run > 0 && isAlnum(a[run-1]) {
		run--
	}
	return run < start && start-run < shortestWord
}

func allAlnum(s string) bool {
	for i := range len(s) {
		if !isAlnum(s[i]) {
			return false
		}
	}
	return true
}

// inVersion reports whether the word around position i of name has a version
// in it.
func inVersion(name string, i int) bool {
	const around = "_/ =@,;"
	start := strings.LastIndexAny(name[:i], around) + 1
	end := strings.IndexAny(name[i:], around)
	if end < 0 {
		end = len(name) - i
	}
	return version.MatchString(name[start : i+end])
}

// maskDigits returns name with each number in it replaced by a NUL, which no
// name holds.
func maskDigits(name string) string { return digits.ReplaceAllLiteralString(name, "\x00") }

// patternBuilder makes a pattern of a name by cutting holes into it.
type patternBuilder struct {
	p   Pattern
	end int // of the last hole
}

func (b *patternBuilder) hole(name string, start, end int, kind HoleKind) {
	b.p.pieces = append(b.p.pieces, name[b.end:start])
	b.p.holes = append(b.p.holes, kind)
	b.end = end
}

func (b *patternBuilder) pattern(name string) Pattern {
	b.p.pieces = append(b.p.pieces, name[b.end:])
	return b.p
}

// Temporary returns the pattern of a name that was made next to the file base and begins
// with its name: a separator and a number, or a random text, follow. One such name
// suffices.
func Temporary(name, base string) (p Pattern, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(name, "."), strings.TrimPrefix(base, "."))
	if !ok || len(rest) < 2 || isAlnum(rest[0]) || base == "" {
		return p, false
	}
	start := len(name) - len(rest) + 1
	end := start
	for end < len(name) && isAlnum(name[end]) {
		end++
	}
	part := name[start:end]
	switch {
	case part == "" || end < len(name) && isPart(name[end]):
		return p, false
	case !slices.ContainsFunc([]byte(part), func(c byte) bool { return !isDigit(c) }):
		return cut(name, start, end, HoleNumber), len(part) <= MaxNumber
	case len(part) < shortest:
		return p, false
	}
	asked := enough[Beside].mixed
	if oneCase(part) {
		asked = enough[Beside].letters
	}
	return cut(name, start, end, HolePart), dice(part) > asked
}

func cut(name string, start, end int, kind HoleKind) Pattern {
	var b patternBuilder
	b.hole(name, start, end, kind)
	return b.pattern(name)
}
