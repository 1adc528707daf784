package alert

import "strings"

// joinQuoted joins words so that a shell takes them apart again.
func joinQuoted(words []string) string {
	var b strings.Builder
	for i, word := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(quote(word))
	}
	return b.String()
}

// quote returns word as one word of a shell, in printable characters only.
// Single quotes keep everything as it is; unprintable text needs $'...',
// which POSIX has since 2024 and bash, zsh, ksh and busybox have long had.
func quote(word string) string {
	if word != "" && strings.IndexFunc(word, needsQuote) < 0 {
		return word
	}
	if shown := strings.ReplaceAll(word, `\`, ""); plain(shown) {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return octalQuote(word)
}

// needsQuote reports whether r may mean something to a shell.
func needsQuote(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune("/._-+:@%,⋯", r)
}

// octalQuote writes word as $'...'. \NNN takes three digits in every shell,
// where \xNN takes as many as follow in some.
func octalQuote(word string) string {
	var b strings.Builder
	b.WriteString("$'")
	for i := range len(word) {
		switch c := word[i]; {
		case c == '\'' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case ' ' <= c && c <= '~':
			b.WriteByte(c)
		default:
			b.WriteByte('\\')
			b.WriteByte('0' + c>>6)
			b.WriteByte('0' + c>>3&7)
			b.WriteByte('0' + c&7)
		}
	}
	b.WriteByte('\'')
	return b.String()
}
