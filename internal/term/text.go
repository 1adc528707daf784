package term

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"

	"bobwatch/internal/alert"
)

// Escape escapes control characters for terminals, as JSON does, and leaves all other
// text as it is.
func Escape(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// EscapeLines does so for each line of text.
func EscapeLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = Escape(line)
	}
	return strings.Join(lines, "\n")
}

// Word quotes a text that is not one printable word: documents hold names
// that hostile containers chose.
func Word(text string) string {
	odd := func(r rune) bool {
		return !unicode.IsPrint(r) || unicode.IsSpace(r) || r == '"' || r == unicode.ReplacementChar
	}
	if text == "" || strings.ContainsFunc(text, odd) {
		return strconv.Quote(text)
	}
	return text
}

// Printable shows text that may have spaces.
func Printable(text string) string { return alert.Printable(text, 4096) }

// JoinWords makes a line of words, quoted where that takes it.
func JoinWords(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = Word(text)
	}
	return strings.Join(quoted, " ")
}

// Plural returns how many there are of something, in words.
func Plural(n uint64, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
