package glob

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
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
)

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

// Literal reports whether p has no wildcard.
func (p Args) Literal() bool {
	return !slices.ContainsFunc(p, func(a argPattern) bool { return a.kind != argLiteral })
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
	start := 0
	for at := 0; ; {
		i := strings.Index(arg[at:], Dynamic)
		if i < 0 {
			break
		}
		at += i
		end := at + len(Dynamic)
		if kind, ok := holeAt(arg, at, end, spaced); ok {
			p.kind = argTemplate
			p.pieces = append(p.pieces, strings.Clone(arg[start:at]))
			p.holes = append(p.holes, kind)
			start = end
		}
		at = end
	}
	p.pieces = append(p.pieces, strings.Clone(arg[start:]))
	return p
}

// holeAt tells what the ⋯ at arg[start:end] stands for by what encloses it.
func holeAt(arg string, start, end int, spaced bool) (holeKind, bool) {
	enclosed := func(by string) bool {
		before := start == 0 || strings.IndexByte(by, arg[start-1]) >= 0
		after := end == len(arg) || strings.IndexByte(by, arg[end]) >= 0
		return before && after
	}
	switch {
	case enclosed("/") && spaced:
		return holePart, true
	case enclosed("/"):
		return holeSegment, true
	case spaced && enclosed(argSpace):
		return holeWord, true
	}
	return 0, false
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
	if i := bytes.IndexByte(args, 0); i >= 0 {
		return args[:i], args[i+1:], true
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

// matchTemplate needs no second try: what ends a hole cannot be in it.
func (p *argPattern) matchTemplate(arg []byte) bool {
	for i, hole := range p.holes {
		if !hasPrefix(arg, p.pieces[i]) {
			return false
		}
		arg = arg[len(p.pieces[i]):]
		n := hole.fill(arg)
		if n < 0 {
			return false
		}
		arg = arg[n:]
	}
	return string(arg) == p.pieces[len(p.pieces)-1]
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

// plainRune reports whether a decoded rune may be part of what a ⋯ among words
// stands for. It agrees with PlainWord, which looks at whole strings.
func plainRune(r rune, size int) bool {
	if r == utf8.RuneError && size == 1 || r == '⋯' {
		return false
	}
	if r < utf8.RuneSelf {
		return r > ' ' && r != 0x7f && strings.IndexByte(";&|<>()$`\\\"'*?[]{}~#!%^", byte(r)) < 0
	}
	return !unicode.IsControl(r) && !unicode.IsSpace(r)
}
