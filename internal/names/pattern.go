package names

import (
	"bytes"
	"slices"
	"strings"
)

// HoleKind is what may stand in a hole.
type HoleKind uint8

// The kinds of holes.
const (
	HolePart   HoleKind = iota + 1 // letters, digits, '_' and '-'
	HoleNumber                     // decimal digits
)

// Pattern is a name with holes. The zero Pattern is the empty name.
type Pattern struct {
	pieces []string // the bytes around the holes: one more than there are holes
	holes  []HoleKind
}

// HasPattern reports whether text, one segment or argument, has anything but
// literal text in it. A segment that is ⋯ or * as a whole has none either: it is
// no name.
func HasPattern(text string) bool {
	return text != Any && (strings.Contains(text, Any) || strings.Contains(text, open))
}

// Parse reads one name. What means nothing between brackets stands for itself;
// Check finds it.
func Parse(text string) Pattern {
	var p Pattern
	var piece strings.Builder
	hole := func(kind HoleKind) {
		if last := len(p.holes) - 1; last >= 0 && piece.Len() == 0 {
			p.holes[last] = min(p.holes[last], kind) // two next to each other are one
			return
		}
		p.pieces, p.holes = append(p.pieces, piece.String()), append(p.holes, kind)
		piece.Reset()
	}
	for text != "" {
		t := Next(text)
		if t.Hole != 0 {
			hole(t.Hole)
		}
		piece.WriteString(t.Bytes)
		text = text[t.Size:]
	}
	p.pieces = append(p.pieces, piece.String())
	return p
}

// Literal returns the name that p stands for if it has no holes.
func (p Pattern) Literal() (name string, ok bool) {
	if len(p.holes) > 0 {
		return "", false
	}
	return p.prefix(), true
}

func (p Pattern) prefix() string {
	if len(p.pieces) == 0 {
		return ""
	}
	return p.pieces[0]
}

// String returns p as a document writes a segment, in the one spelling that all
// have in common.
func (p Pattern) String() string { return p.text(Quote) }

// Arg returns p as a document writes an argument.
func (p Pattern) Arg() string { return p.text(QuoteArg) }

func (p Pattern) text(quote func(string) string) string {
	if len(p.holes) == 0 {
		return quote(p.prefix())
	}
	if len(p.holes) == 1 && p.holes[0] == HolePart && p.pieces[0] == "" && p.pieces[1] == "" {
		return Part
	}
	var text strings.Builder
	for i, kind := range p.holes {
		text.WriteString(pieceText(p.pieces[i], quote))
		switch {
		case kind == HoleNumber:
			text.WriteString(Number)
		case p.isSegment(i):
			text.WriteString(Part)
		default:
			text.WriteString(Any)
		}
	}
	text.WriteString(pieceText(p.pieces[len(p.holes)], quote))
	return text.String()
}

// isSegment reports whether hole i stands alone between slashes of an argument,
// where Any would be anything without a slash.
func (p Pattern) isSegment(i int) bool {
	before, after := p.pieces[i], p.pieces[i+1]
	return (i == 0 && before == "" || strings.HasSuffix(before, "/")) &&
		(i == len(p.holes)-1 && after == "" || strings.HasPrefix(after, "/"))
}

// pieceText quotes part of a name, in which an asterisk means nothing.
func pieceText(piece string, quote func(string) string) string {
	if piece == Tree {
		return piece
	}
	return quote(piece)
}

// Canonical returns text, one segment, in the spelling that all texts of its
// meaning have in common.
func Canonical(segment string) string {
	if !HasPattern(segment) {
		return segment
	}
	return Parse(segment).String()
}

// CanonicalPath does that for a path.
func CanonicalPath(path string) string {
	if !strings.Contains(path, Any) && !strings.Contains(path, open) {
		return path
	}
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i] = Canonical(segment)
	}
	return strings.Join(segments, "/")
}

// Match reports whether p stands for name. Each hole takes as little as lets
// the text behind it follow. It does not allocate.
func (p Pattern) Match(name []byte) bool {
	if !hasPrefix(name, p.prefix()) {
		return false
	}
	name = name[len(p.prefix()):]
	for i, kind := range p.holes {
		n, next := kind.Run(name), p.pieces[i+1]
		if i == len(p.holes)-1 {
			length := len(name) - len(next)
			return 1 <= length && length <= n && string(name[length:]) == next
		}
		length := 1
		for ; length <= n && !hasPrefix(name[length:], next); length++ {
		}
		if length > n {
			return false
		}
		name = name[length+len(next):]
	}
	return len(name) == 0
}

// Run returns how many bytes at the start of name a hole can take at most.
func (k HoleKind) Run(name []byte) int {
	accepts, most := isPart, MaxPart
	if k == HoleNumber {
		accepts, most = isDigit, MaxNumber
	}
	n := 0
	for n < len(name) && n < most && accepts(name[n]) {
		n++
	}
	return n
}

func hasPrefix(name []byte, prefix string) bool {
	return len(name) >= len(prefix) && string(name[:len(prefix)]) == prefix
}

// Covers reports whether p stands for everything that q stands for. It errs on
// one side only: of a q with holes, p has to have the same text around them.
func (p Pattern) Covers(q Pattern) bool {
	if name, ok := q.Literal(); ok {
		return p.Match([]byte(name))
	}
	return slices.Equal(p.pieces, q.pieces) &&
		slices.EqualFunc(p.holes, q.holes, func(a, b HoleKind) bool { return a <= b })
}

// MayMatch reports whether p can stand for a name that begins with prefix and
// ends with suffix. It errs on one side only, and says yes where it cannot tell.
func (p Pattern) MayMatch(prefix, suffix string) bool {
	if name, ok := p.Literal(); ok {
		return len(name) >= len(prefix)+len(suffix) && strings.HasPrefix(name, prefix) && strings.HasSuffix(name, suffix)
	}
	first, last := p.pieces[0], p.pieces[len(p.holes)]
	return (strings.HasPrefix(first, prefix) || strings.HasPrefix(prefix, first)) &&
		(strings.HasSuffix(last, suffix) || strings.HasSuffix(suffix, last))
}

// Prefix returns what every name begins with that p stands for. It is the way
// to find p quickly.
func (p Pattern) Prefix() string { return p.prefix() }

// Glob writes p with the text of each hole and each piece chosen by the
// caller, for formats that have wildcards of their own.
func (p Pattern) Glob(piece func(string) string, hole func(HoleKind) string) string {
	var text bytes.Buffer
	for i, kind := range p.holes {
		text.WriteString(piece(p.pieces[i]))
		text.WriteString(hole(kind))
	}
	if len(p.pieces) > 0 {
		text.WriteString(piece(p.pieces[len(p.holes)]))
	}
	return text.String()
}
