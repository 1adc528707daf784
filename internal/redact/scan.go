package redact

import "bytes"

// scanner goes over arguments once, from left to right.
type scanner struct {
	args   []byte
	copied int    // args before are in out
	out    []byte // the clean text so far, if anything was hidden
	hidden bool

	expects  expectation // of the next word
	programs program     // that were named so far
}

// expectation is the meaning that the last option gives to the next word.
type expectation uint8

const (
	expectsNothing expectation = iota
	expectsSecret
	expectsUser    // USER:PASSWORD
	expectsLiteral // KEY=VALUE
	expectsScheme  // of authorization, followed by the credential
)

// scan looks at each argument as a whole, and where it is text of several
// words, such as code for a shell, at each of them.
func (s *scanner) scan() {
	for start := 0; start <= len(s.args); {
		end := len(s.args)
		if i := bytes.IndexByte(s.args[start:], 0); i >= 0 {
			end = start + i
		}
		s.argument(start, end)
		start = end + 1
	}
}

func (s *scanner) argument(start, end int) {
	arg := s.args[start:end]
	if s.expects == expectsSecret && !isOption(arg) {
		s.expects = expectsNothing
		s.hide(start, end)
		return
	}
	if from := privateKey(arg); from >= 0 {
		s.hide(start+from, end)
		return
	}
	if !bytes.ContainsAny(arg, " \t\n\r") {
		s.word(start, end, true)
		return
	}
	if at := optionValue(arg); at > 0 {
		s.hide(start+at, end) // a value may hold spaces
		return
	}
	for start < end {
		if isSpace(s.args[start]) {
			start++
			continue
		}
		n := start
		for n < end && !isSpace(s.args[n]) {
			n++
		}
		s.word(start, n, false)
		start = n
	}
	s.expects = expectsNothing
}

// word looks at s.args[start:end]. whole says that it is an argument.
func (s *scanner) word(start, end int, whole bool) {
	start, end = unquoted(s.args, start, end)
	word := s.args[start:end]
	expects := s.expects
	s.expects = expectsNothing
	switch {
	case len(word) == 0:
	case expects == expectsSecret && !isOption(word):
		s.hide(start, end)
	case expects == expectsUser && !isOption(word) && s.user(start, end):
	case expects == expectsLiteral && s.literal(start, end):
	case expects == expectsScheme && s.endsHeader(end):
		s.hide(start, end) // a credential without a scheme
	case expects == expectsScheme:
		s.expects = expectsSecret
	case s.attached(start, end):
	default:
		s.programs |= programOf(word)
		s.expects = expectationOf(word, s.programs)
		s.inside(start, end, whole)
	}
}

// endsHeader reports whether no other word of the argument, or of the quotes
// around the header, follows.
func (s *scanner) endsHeader(end int) bool {
	for ; end < len(s.args) && s.args[end] != 0; end++ {
		if isQuote(s.args[end]) {
			return true
		}
		if !isSpace(s.args[end]) {
			return false
		}
	}
	return true
}

// user hides the password of USER:PASSWORD, unless it is a number: those are
// the ids of a user and a group.
func (s *scanner) user(start, end int) bool {
	i := bytes.IndexByte(s.args[start:end], ':')
	if i < 0 || isNumber(s.args[start+i+1:end]) {
		return false
	}
	s.hide(start+i+1, end)
	return true
}

func (s *scanner) literal(start, end int) bool {
	i := bytes.IndexByte(s.args[start:end], '=')
	if i >= 0 {
		s.hide(start+i+1, end)
	}
	return i >= 0
}

// attached hides the value of an option of one letter, as in mysql -pSECRET.
func (s *scanner) attached(start, end int) bool {
	word := s.args[start:end]
	if len(word) < 3 || word[0] != '-' {
		return false
	}
	switch {
	case word[1] == 'p' && s.programs&(mysql|sshpass) != 0, word[1] == 'a' && s.programs&redis != 0:
		s.hide(start+2, end)
		return true
	case word[1] == 'u' && s.programs&curl != 0:
		return s.user(start+2, end)
	}
	return false
}

// inside hides credentials within a word: the values of names, passwords of URLs, tokens.
func (s *scanner) inside(start, end int, whole bool) {
	for i := start; i < end; i++ {
		switch c := s.args[i]; {
		case c == '=' || c == ':':
			if next := s.value(start, i, end, whole); next > i {
				i = next - 1
			}
		case i == start || !isTokenByte(s.args[i-1]):
			if n := tokenLength(s.args[i:end]); n > 0 {
				s.hide(i, i+n)
				i += n - 1
			}
		}
	}
}

// value checks the text after the = or : at i, and returns where the scan goes on.
func (s *scanner) value(start, i, end int, whole bool) int {
	if bytes.HasPrefix(s.args[i:end], []byte("://")) {
		return s.url(i+3, end)
	}
	nameEnd := i
	quoted := nameEnd > start && isQuote(s.args[nameEnd-1])
	for nameEnd > start && (isQuote(s.args[nameEnd-1]) || s.args[nameEnd-1] == '\\') {
		nameEnd--
	}
	nameStart := nameEnd
	for nameStart > start && isNameByte(s.args[nameStart-1]) {
		nameStart--
	}
	name := s.args[nameStart:nameEnd]
	from := i + 1
	switch {
	case bytes.Equal(name, []byte("--from-literal")):
		if s.literal(from, end) {
			return end
		}
		return i
	case bytes.Equal(name, []byte("--user")) && s.args[i] == '=':
		if s.user(from, end) {
			return end
		}
		return i
	case bytes.Equal(name, []byte("pass")) && s.args[i] == ':' && nameStart == start && from < end: // of openssl
	case s.args[i] == ':' && !quoted && from < end:
		return i // a path, an image, a time
	case isAuthorization(name) && from == end:
		s.expects = expectsScheme
		return end
	case !isSecretName(name):
		return i
	}
	if from == end && s.args[i] == ':' && !whole { // "Name: VALUE"
		s.expects = expectsSecret
		return end
	}
	to := end
	if nameStart > start || !whole {
		from, to = s.bounded(from, end)
	}
	if from < to {
		s.hide(from, to)
	}
	return max(to, i+1)
}

// bounded returns where a value within a longer text begins and ends.
func (s *scanner) bounded(from, end int) (int, int) {
	for from < end && (isQuote(s.args[from]) || s.args[from] == '\\') {
		from++
	}
	to := from
	for to < end && bytes.IndexByte([]byte(`"'&;|,}`+"`"), s.args[to]) < 0 {
		to++
	}
	return from, to
}

// url hides the password of the URL whose authority begins at from.
func (s *scanner) url(from, end int) int {
	to := from
	for to < end && bytes.IndexByte([]byte(`/?#"'`), s.args[to]) < 0 {
		to++
	}
	authority := s.args[from:to]
	at, colon := bytes.LastIndexByte(authority, '@'), bytes.IndexByte(authority, ':')
	if colon >= 0 && colon+1 < at {
		s.hide(from+colon+1, from+at)
		return from + at
	}
	return from
}

// hide replaces args[from:to], unless that is a placeholder or a variable.
func (s *scanner) hide(from, to int) {
	if from >= to || from < s.copied || isHarmless(s.args[from:to]) {
		return
	}
	s.out = append(append(s.out, s.args[s.copied:from]...), Placeholder...)
	s.copied, s.hidden = to, true
}

func (s *scanner) result() ([]byte, bool) {
	if !s.hidden {
		return s.args, false
	}
	return append(s.out, s.args[s.copied:]...), true
}
