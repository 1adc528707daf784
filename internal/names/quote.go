package names

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrEscape is in the chain of every error about a ⟦ that opens none of the
// forms that the package comment lists.
var ErrEscape = errors.New("want ⟦#⟧, ⟦⋯⟧ or bytes in hexadecimal, as in ⟦2a⟧")

// Quote returns the text that stands for one segment of a path and for nothing
// else. What no text editor shows is escaped.
func Quote(segment string) string {
	if segment == Tree {
		return escape(Tree)
	}
	return quote(segment, unicode.IsControl)
}

// QuoteArg returns the text that stands for one argument and for nothing else.
// Line ends and the like stay, so that a script can be read.
func QuoteArg(arg string) string {
	return quote(arg, func(rune) bool { return false })
}

func quote(name string, unreadable func(rune) bool) string {
	if plain(name, unreadable) {
		return name
	}
	var text strings.Builder
	for len(name) > 0 {
		r, size := utf8.DecodeRuneInString(name)
		if r == utf8.RuneError && size == 1 || special(r) || unreadable(r) {
			text.WriteString(escape(name[:size]))
		} else {
			text.WriteString(name[:size])
		}
		name = name[size:]
	}
	return text.String()
}

func plain(name string, unreadable func(rune) bool) bool {
	return utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return special(r) || unreadable(r) })
}

// special are the characters of the grammar.
func special(r rune) bool { return r == '⋯' || r == '⟦' || r == '⟧' }

func escape(bytes string) string { return open + hex.EncodeToString([]byte(bytes)) + closing }

// QuotePath quotes each segment of a path.
func QuotePath(path string) string {
	if plain(path, unicode.IsControl) && !strings.Contains(path, Tree) {
		return path
	}
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i] = Quote(segment)
	}
	return strings.Join(segments, "/")
}

// Check returns an error that wraps ErrEscape if text, a path or an argument,
// has a ⟦ that means nothing.
func Check(text string) error {
	for rest := text; ; {
		_, after, found := strings.Cut(rest, open)
		if !found {
			return nil
		}
		t, err := bracket(after)
		if err != nil {
			return fmt.Errorf("%q: %w", text, err)
		}
		rest = after[t.Size:]
	}
}

// Token is the next element of a text: a hole, or literal bytes.
type Token struct {
	Hole      HoleKind // 0 for literal bytes
	Bracketed bool     // the hole is written ⟦⋯⟧
	Bytes     string
	Size      int // of the text that says it
}

// Next reads the element at the start of text, which is not empty. A ⟦ that
// means nothing stands for itself.
func Next(text string) Token {
	if strings.HasPrefix(text, Any) {
		return Token{Hole: HolePart, Size: len(Any)}
	}
	if rest, ok := strings.CutPrefix(text, open); ok {
		if t, err := bracket(rest); err == nil {
			t.Size += len(open)
			return t
		}
		return Token{Bytes: open, Size: len(open)}
	}
	size := strings.IndexAny(text[1:], Any+open) + 1
	if size == 0 {
		size = len(text)
	}
	return Token{Bytes: text[:size], Size: size}
}

// bracket reads what follows a ⟦. Its size is that of the text with the ⟧.
func bracket(text string) (Token, error) {
	inside, _, closed := strings.Cut(text, closing)
	size := len(inside) + len(closing)
	switch {
	case !closed:
		return Token{}, ErrEscape
	case inside == "#":
		return Token{Hole: HoleNumber, Bracketed: true, Size: size}, nil
	case inside == Any:
		return Token{Hole: HolePart, Bracketed: true, Size: size}, nil
	}
	bytes, err := hex.DecodeString(inside)
	if err != nil || len(bytes) == 0 || strings.ContainsAny(string(bytes), "/\x00") {
		return Token{}, ErrEscape
	}
	return Token{Bytes: string(bytes), Size: size}, nil
}
