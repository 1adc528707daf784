package alert

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"bobwatch/internal/event"
	"bobwatch/internal/glob"
	"bobwatch/internal/profile/generalise"
)

// maxAllow bounds the allow command, in bytes. A longer one is left out.
const maxAllow = 8192

// allowCommand returns the bobctl command that accepts the deviation e of
// subject, or "" if there is none. call is set for system calls.
//
// Whoever reads the alert is invited to paste this line. So it is quoted, and
// there is none when the container chose a name that means more than itself
// inside a document: a directory called "*" must not open the whole tree.
func allowCommand(subject *Subject, e *event.Event, call *Syscall) string {
	act := allowAct(e, call)
	if act == nil {
		return ""
	}
	words := []string{"bobctl", "allow"}
	if w := subject.Workload; w.Name != "" {
		words = append(words, "--workload", w.Namespace+"/"+w.Kind+"/"+w.Name)
	}
	if name := subject.Container.Name; name != "" {
		words = append(words, "--container", name)
	}
	if typ := subject.Container.Type; typ != "" {
		words = append(words, "--type", typ)
	}
	line := joinQuoted(append(words, act...))
	if len(line) > maxAllow {
		return ""
	}
	return line
}

// allowAct returns the flags that name the act, nil if no document can.
func allowAct(e *event.Event, call *Syscall) []string {
	switch e.Kind {
	case event.KindSyscall:
		return allowSyscall(e, call)
	case event.KindExec:
		return allowExec(e)
	case event.KindOpen:
		return allowOpen(e)
	}
	return nil
}

// allowOpen names the path as the learner would have: the pid in it is another
// one the next time.
func allowOpen(e *event.Event) []string {
	path, ok := literalPath(e)
	if !ok {
		return nil
	}
	pattern := foldPath(path)
	if hasWildcard(pattern) {
		return nil // deeper than patterns go
	}
	return []string{"--open", pattern, "--flags", accessFlag(e.Access)}
}

// allowSyscall: a call that has no name, or came by x32, is never part of a
// profile.
func allowSyscall(e *event.Event, call *Syscall) []string {
	if call.Name == "" {
		return nil
	}
	switch e.ABI {
	case event.ABINative:
		return []string{"--syscall", call.Name}
	case event.ABICompat:
		return []string{"--arch", call.ABI, "--syscall", call.Name}
	}
	return nil
}

// allowExec names the arguments one by one. What was cut off the end may be
// anything, unless that would let any code in.
func allowExec(e *event.Event) []string {
	path, ok := literalPath(e)
	if !ok {
		return nil
	}
	words := []string{"--exec", generalise.Program(path)}
	if len(e.Args) == 0 {
		return words
	}
	args := strings.Split(strings.TrimSuffix(string(e.Args), "\x00"), "\x00")
	cut := e.Has(event.FlagArgsTruncated)
	pattern, ok := generalise.ObservedArgs(path, args, cut)
	if !ok {
		return nil
	}
	for i, arg := range pattern {
		if !literal(arg) && !(cut && i == len(pattern)-1) {
			return nil
		}
		words = append(words, "--arg", arg)
	}
	return words
}

// literalPath returns the path of e if a document can name it as it is: not
// one that lies outside of the container, is incomplete or in memory only.
func literalPath(e *event.Event) (string, bool) {
	path := string(e.Path)
	if !strings.HasPrefix(path, "/") || hasWildcard(path) || !literal(path) {
		return "", false
	}
	return path, true
}

func hasWildcard(path string) bool {
	return slices.Contains(strings.Split(path, "/"), glob.Wildcard)
}

// literal reports whether s stands for itself inside a document: it is text,
// and holds neither a wildcard nor a parameter.
func literal(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) &&
		!strings.Contains(s, glob.Dynamic) && !strings.Contains(s, "$(")
}

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
// Single quotes keep everything as it is; what cannot be shown takes $'...',
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
