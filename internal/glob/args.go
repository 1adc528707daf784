package glob

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"bobwatch/internal/names"
)

// Args is a compiled list of arguments with wildcards.
type Args []argPattern

// argPattern matches one argument, or any number of them.
type argPattern struct {
	kind argKind
	// pieces are the texts between the holes of argTemplate; of argLiteral the
	// one text.
	pieces []string
	holes  []holeKind
}

type argKind uint8

const (
	argLiteral  argKind = iota
	argAny              // ⋯: one argument
	argMany             // ⋯⋯: any number of arguments
	argTemplate         // a text with holes
)

type holeKind uint8

const (
	holeSegment holeKind = iota // a ⋯ between slashes: anything without a slash
	holeWord                    // a ⋯ between white space: one word plain to a shell
	holePart                    // a ⋯ between slashes of a word: a part of it plain to a shell
	holeWithin                  // any other ⋯: letters, digits, '_' and '-', as within a name of a file
	holeNumber                  // ⟦#⟧: decimal digits
)

// within reports whether a hole may stand within a word.
func (k holeKind) within() bool { return k >= holeWithin }

// argSpace separates the words of an argument, as a shell does.
const argSpace = " \t\n\r"

// CompileArgs compiles a list of arguments, in which ⋯ and ⋯⋯ are wildcards.
func CompileArgs(args []string) Args {
	pattern := make(Args, len(args))
	for i, arg := range args {
		pattern[i] = compileArg(arg)
	}
	return pattern
}

// Literal returns the arguments, separated by NULs, that p stands for, and
// whether it stands for these alone.
func (p Args) Literal() (args string, ok bool) {
	literals := make([]string, len(p))
	for i := range p {
		if p[i].kind != argLiteral {
			return "", false
		}
		literals[i] = p[i].pieces[0]
	}
	return strings.Join(literals, "\x00"), true
}

func compileArg(arg string) argPattern {
	switch arg {
	case Dynamic:
		return argPattern{kind: argAny}
	case DynamicArgs:
		return argPattern{kind: argMany}
	}
	p := argPattern{kind: argLiteral}
	spaced := strings.ContainsAny(arg, argSpace)
	var piece strings.Builder
	for at := 0; at < len(arg); {
		t := names.Next(arg[at:])
		end := at + t.Size
		if t.Hole == 0 {
			piece.WriteString(t.Bytes)
		} else {
			p.addHole(&piece, holeAt(arg, at, end, t, spaced))
		}
		at = end
	}
	p.pieces = append(p.pieces, piece.String())
	return p
}

// addHole ends a piece at a hole. Two holes within a word and next to each other
// are one.
func (p *argPattern) addHole(piece *strings.Builder, kind holeKind) {
	if last := len(p.holes) - 1; last >= 0 && piece.Len() == 0 && p.holes[last].within() && kind.within() {
		p.holes[last] = min(p.holes[last], kind)
		return
	}
	p.kind = argTemplate
	p.pieces = append(p.pieces, piece.String())
	p.holes = append(p.holes, kind)
	piece.Reset()
}

// holeAt returns the kind of the hole at arg[start:end], which the text around it
// decides.
func holeAt(arg string, start, end int, t names.Token, spaced bool) holeKind {
	enclosed := func(by string) bool {
		before := start == 0 || strings.IndexByte(by, arg[start-1]) >= 0
		after := end == len(arg) || strings.IndexByte(by, arg[end]) >= 0
		return before && after
	}
	switch {
	case t.Hole == names.HoleNumber:
		return holeNumber
	case t.Bracketed:
		return holeWithin
	case enclosed("/") && spaced:
		return holePart
	case enclosed("/"):
		return holeSegment
	case spaced && enclosed(argSpace):
		return holeWord
	}
	return holeWithin
}

// Match reports whether the NUL-separated arguments match from the first to
// the last. When an argument does not match, the latest ⋯⋯ takes one more and
// the rest is tried again; going back to an earlier one could not help. So the
// work is at most arguments times patterns.
func (p Args) Match(args []byte) bool {
	next, more := args, len(args) > 0
	i, many := 0, -1
	var manyNext []byte
	for more {
		arg, rest, restMore := cutArg(next)
		switch {
		case i < len(p) && p[i].kind == argMany:
			i++
			many, manyNext = i, next
		case i < len(p) && p[i].match(arg):
			i++
			next, more = rest, restMore
		case many >= 0:
			i = many
			_, next, more = cutArg(manyNext)
			manyNext = next
		default:
			return false
		}
	}
	for i < len(p) && p[i].kind == argMany {
		i++
	}
	return i == len(p)
}

// cutArg returns the first argument, and what follows it if anything does.
func cutArg(args []byte) (arg, rest []byte, more bool) {
	if before, after, ok := bytes.Cut(args, []byte{0}); ok {
		return before, after, true
	}
	return args, nil, false
}

func (p *argPattern) match(arg []byte) bool {
	switch p.kind {
	case argLiteral:
		return string(arg) == p.pieces[0]
	case argAny:
		return true
	case argTemplate:
		return p.matchTemplate(arg)
	}
	return false
}

// matchTemplate needs no second try: what ends a hole cannot be in it, or the
// hole takes as little as lets the next piece follow.
func (p *argPattern) matchTemplate(arg []byte) bool {
	edge := true // a word begins here
	for i, hole := range p.holes {
		if !hasPrefix(arg, p.pieces[i]) {
			return false
		}
		arg = arg[len(p.pieces[i]):]
		if n := len(p.pieces[i]); n > 0 {
			edge = strings.IndexByte(argSpace, p.pieces[i][n-1]) >= 0
		}
		n := -1
		if !hole.within() {
			n = hole.fill(arg)
		} else if !edge || len(arg) == 0 || arg[0] != '-' { // no word becomes an option
			n = hole.fillBefore(arg, p.pieces[i+1], i == len(p.holes)-1)
		}
		if n < 0 {
			return false
		}
		arg, edge = arg[n:], false
	}
	return string(arg) == p.pieces[len(p.pieces)-1]
}

// fillBefore returns how many bytes a hole within a word takes, so that next
// follows, and nothing behind it if it is the last; -1 if that cannot be.
func (k holeKind) fillBefore(arg []byte, next string, last bool) int {
	kind := names.HolePart
	if k == holeNumber {
		kind = names.HoleNumber
	}
	most := kind.Run(arg)
	if last {
		if n := len(arg) - len(next); 1 <= n && n <= most {
			return n
		}
		return -1
	}
	for n := 1; n <= most; n++ {
		if hasPrefix(arg[n:], next) {
			return n
		}
	}
	return -1
}

func hasPrefix(arg []byte, prefix string) bool {
	return len(arg) >= len(prefix) && string(arg[:len(prefix)]) == prefix
}

// fill returns how many bytes at the start of arg the hole takes, -1 if it
// cannot be filled.
func (k holeKind) fill(arg []byte) int {
	if k == holeSegment {
		if i := bytes.IndexByte(arg, '/'); i >= 0 {
			return i
		}
		return len(arg)
	}
	end := argSpace
	if k == holePart {
		end = "/"
	}
	n := 0
	for n < len(arg) && strings.IndexByte(end, arg[n]) < 0 {
		r, size := utf8.DecodeRune(arg[n:])
		if !plainRune(r, size) {
			return -1
		}
		n += size
	}
	if n == 0 {
		return -1
	}
	return n
}

// plainRune reports whether a ⋯ among words may stand for a text with the decoded rune.
// It agrees with PlainWord, which looks at whole strings.
func plainRune(r rune, size int) bool {
	if r == utf8.RuneError && size == 1 || r == '⋯' || r == '⟦' || r == '⟧' {
		return false
	}
	if r < utf8.RuneSelf {
		return r > ' ' && r != 0x7f && strings.IndexByte(";&|<>()$`\\\"'*?[]{}~#!%^", byte(r)) < 0
	}
	return !unicode.IsControl(r) && !unicode.IsSpace(r)
}
