package alert

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// cutMark ends a string that was cut. It cannot be forged: an ellipsis of the
// string itself is escaped.
const cutMark = "…"

// Printable returns s as printable UTF-8 of at most limit bytes and the mark
// of a cut. Bytes that are no part of a printable rune become \xNN, also
// control characters, line separators and the invisible ones that turn the
// direction of text, and the mark of a cut; a backslash becomes two. So no two
// strings look the same,
// and the original can be told from the result unless it was cut.
func Printable(s string, limit int) string {
	if len(s) <= limit && plain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		shown := s[i : i+size]
		switch {
		case r == '\\':
			shown = `\\`
		case r == utf8.RuneError && size == 1, shown == cutMark, !strconv.IsPrint(r):
			shown = escapeBytes(shown)
		}
		if b.Len()+len(shown) > limit {
			return b.String() + cutMark
		}
		b.WriteString(shown)
		i += size
	}
	return b.String()
}

// plain reports whether s is its own printable form.
func plain(s string) bool {
	for _, r := range s {
		if r == '\\' || r == '…' || r == utf8.RuneError || !strconv.IsPrint(r) {
			return false
		}
	}
	return true
}

// escapeBytes writes each byte as \xNN.
func escapeBytes(s string) string {
	const digits = "0123456789abcdef"
	b := make([]byte, 0, 4*len(s))
	for i := range len(s) {
		b = append(b, '\\', 'x', digits[s[i]>>4], digits[s[i]&0xf])
	}
	return string(b)
}

// printableArgs splits a NUL-separated argument vector into printable
// arguments that together stay within limit. The last one is the mark of a cut
// if there were more, or cut says so.
func printableArgs(raw string, cut bool, limit int) []string {
	// An argument costs its string header in addition to its bytes.
	const header = 16
	if raw == "" && !cut {
		return nil
	}
	var args []string
	for arg := range strings.SplitSeq(raw, "\x00") {
		if limit < header {
			cut = true
			break
		}
		shown := Printable(arg, limit-header)
		limit -= header + len(shown)
		args = append(args, shown)
	}
	if cut && (len(args) == 0 || !strings.HasSuffix(args[len(args)-1], cutMark)) {
		args = append(args, cutMark)
	}
	return args
}
