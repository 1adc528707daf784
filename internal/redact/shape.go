package redact

import "bytes"

// program is a program whose options of one letter take credentials.
type program uint8

const (
	mysql program = 1 << iota
	sshpass
	redis
	curl
	ldap
)

func programOf(word []byte) program {
	switch string(word[bytes.LastIndexByte(word, '/')+1:]) {
	case "mysql", "mysqldump", "mysqladmin", "mysqlshow", "mysqlimport", "mysqlcheck", "mariadb", "mariadb-dump", "mariadb-admin":
		return mysql
	case "sshpass":
		return sshpass
	case "redis-cli", "valkey-cli":
		return redis
	case "curl":
		return curl
	case "ldapsearch", "ldapmodify", "ldapadd", "ldapwhoami", "ldappasswd":
		return ldap
	}
	return 0
}

// expectationOf returns the meaning of the word after an option.
func expectationOf(word []byte, named program) expectation {
	switch string(word) {
	case "-u", "--user", "--proxy-user":
		return expectsUser
	case "--from-literal":
		return expectsLiteral
	case "-p":
		if named&sshpass != 0 {
			return expectsSecret
		}
	case "-a":
		if named&redis != 0 {
			return expectsSecret
		}
	case "-w":
		if named&ldap != 0 {
			return expectsSecret
		}
	}
	if bytes.HasSuffix(word, []byte("Bearer")) || bytes.HasSuffix(word, []byte("bearer")) {
		return expectsSecret
	}
	if isOption(word) && isSecretName(word) {
		return expectsSecret
	}
	return expectsNothing
}

// optionValue returns where the value of an argument --NAME=VALUE begins, if
// the name says that it is a credential; else 0.
func optionValue(arg []byte) int {
	i := bytes.IndexByte(arg, '=')
	if i <= 1 || arg[0] != '-' || !isSecretName(arg[:i]) {
		return 0
	}
	for _, c := range arg[:i] {
		if !isNameByte(c) {
			return 0
		}
	}
	return i + 1
}

// secretNames end the names of options, variables and fields that hold a
// credential, in small letters without separators.
var secretNames = [][]byte{
	[]byte("password"), []byte("passwd"), []byte("passphrase"), []byte("dbpass"), []byte("userpass"), []byte("requirepass"),
	[]byte("masterauth"), []byte("mysqlpwd"), []byte("secret"), []byte("token"), []byte("apikey"), []byte("accesskey"),
	[]byte("secretkey"), []byte("privatekey"), []byte("encryptionkey"), []byte("signingkey"), []byte("authkey"),
	[]byte("credential"), []byte("credentials"),
}

// maxName bounds the name that is looked at, in bytes.
const maxName = 64

// isSecretName reports whether name, as of an option, is that of a credential.
// It is the end that counts: a --password-file is none.
func isSecretName(name []byte) bool {
	var folded [maxName]byte
	at := len(folded)
	for i := len(name) - 1; i >= 0 && at > 0; i-- {
		c := name[i]
		switch {
		case c == '-' || c == '_' || c == '.':
			continue
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		at--
		folded[at] = c
	}
	for _, secret := range secretNames {
		if bytes.HasSuffix(folded[at:], secret) {
			return true
		}
	}
	return string(folded[at:]) == "pass"
}

// tokenPrefixes begin tokens of well-known services.
var tokenPrefixes = [][]byte{
	[]byte("ghp_"), []byte("gho_"), []byte("ghu_"), []byte("ghs_"), []byte("ghr_"), []byte("github_pat_"), []byte("glpat-"),
	[]byte("xoxb-"), []byte("xoxp-"), []byte("xoxa-"), []byte("xoxr-"), []byte("xoxs-"), []byte("xapp-"),
	[]byte("sk-"), []byte("sk_live_"), []byte("rk_live_"), []byte("AIza"), []byte("ya29."), []byte("hvs."), []byte("hvb."),
	[]byte("npm_"), []byte("pypi-"), []byte("dop_v1_"), []byte("SG."), []byte("dckr_pat_"), []byte("AGE-SECRET-KEY-1"),
}

// minToken is the shortest token that is taken for one, in bytes.
const minToken = 20

// tokenLength returns the length of the token at the start of text, 0 if there
// is none.
func tokenLength(text []byte) int {
	jwt := bytes.HasPrefix(text, []byte("eyJ"))
	known := jwt
	for i := 0; i < len(tokenPrefixes) && !known; i++ {
		known = bytes.HasPrefix(text, tokenPrefixes[i])
	}
	if !known {
		return 0
	}
	n, dots := 0, 0
	for n < len(text) && isTokenByte(text[n]) {
		if text[n] == '.' {
			dots++
		}
		n++
	}
	if n < minToken || jwt && dots < 1 {
		return 0
	}
	return n
}

// privateKey returns where a PEM block with a private key begins, -1 if there
// is none.
func privateKey(arg []byte) int {
	begin := bytes.Index(arg, []byte("-----BEGIN "))
	if begin < 0 || !bytes.Contains(arg[begin:min(len(arg), begin+64)], []byte("PRIVATE KEY-----")) {
		return -1
	}
	return begin
}

// wildcard stands for any value in a document.
var wildcard = []byte("⋯")

// isHarmless reports whether a value is none: nothing, a placeholder, a
// wildcard, a parameter or a variable of a shell.
func isHarmless(value []byte) bool {
	rest := value
	for bytes.HasPrefix(rest, wildcard) {
		rest = rest[len(wildcard):]
	}
	if string(value) == Placeholder || len(rest) == 0 {
		return true
	}
	if value[0] != '$' || len(value) < 2 {
		return false
	}
	last := value[len(value)-1]
	if value[1] == '{' && last == '}' || value[1] == '(' && last == ')' {
		return true
	}
	for _, c := range value[1:] {
		if c != '_' && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// unquoted returns where the word of a shell begins and ends without quotes
// around it.
func unquoted(text []byte, start, end int) (int, int) {
	for start < end && isQuote(text[start]) {
		start++
	}
	for end > start && isQuote(text[end-1]) {
		end--
	}
	return start, end
}

func isAuthorization(name []byte) bool {
	return bytes.EqualFold(name, []byte("authorization")) || bytes.EqualFold(name, []byte("proxy-authorization"))
}

func isNumber(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func isOption(word []byte) bool { return len(word) > 1 && word[0] == '-' }

func isQuote(c byte) bool { return c == '"' || c == '\'' }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isLetter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func isNameByte(c byte) bool { return isLetter(c) || c == '-' || c == '_' || c == '.' }

func isTokenByte(c byte) bool { return isNameByte(c) }
