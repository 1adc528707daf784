package glob

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// PlainWord reports whether a shell takes word literally. A ⋯ among the words of an
// argument stands for such words only.
func PlainWord(word string) bool {
	return word != "" && utf8.ValidString(word) && !strings.ContainsFunc(word, func(r rune) bool {
		return r == '⋯' || r == '⟦' || r == '⟧' || unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune(";&|<>()$`\\\"'*?[]{}~#!%^", r)
	})
}

// SplitWords splits text at white space. separators[i] stands before words[i],
// and the last one behind the last word.
func SplitWords(text string) (words, separators []string) {
	for {
		end := strings.IndexFunc(text, func(r rune) bool { return !IsSpace(r) })
		if end < 0 {
			return words, append(separators, text)
		}
		separators = append(separators, text[:end])
		text = text[end:]
		if end = strings.IndexFunc(text, IsSpace); end < 0 {
			end = len(text)
		}
		words = append(words, text[:end])
		text = text[end:]
	}
}

// JoinWords is the reverse of SplitWords.
func JoinWords(words, separators []string) string {
	var b strings.Builder
	for i, word := range words {
		b.WriteString(separators[i])
		b.WriteString(word)
	}
	b.WriteString(separators[len(words)])
	return b.String()
}

// IsSpace reports whether a shell splits words at r.
func IsSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' }
