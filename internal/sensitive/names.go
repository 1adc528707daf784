package sensitive

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// codeEndings are those of files that something else loads or interprets.
var codeEndings = [][]byte{
	[]byte(".so"), []byte(".py"), []byte(".pyc"), []byte(".sh"), []byte(".pl"), []byte(".pm"), []byte(".rb"), []byte(".php"),
	[]byte(".phtml"), []byte(".jsp"), []byte(".js"), []byte(".mjs"), []byte(".cjs"), []byte(".node"), []byte(".jar"), []byte(".war"),
	[]byte(".class"), []byte(".lua"), []byte(".wasm"), []byte(".ko"), []byte(".cgi"), []byte(".htaccess"), []byte(".service"),
}

// IsCode reports whether a file is one that is loaded or interpreted, by its name.
func IsCode(path []byte) bool {
	for _, ending := range codeEndings {
		if bytes.HasSuffix(path, ending) {
			return true
		}
	}
	return bytes.Contains(path[bytes.LastIndexByte(path, '/')+1:], []byte(".so."))
}

// configEndings are those of files that say what a program does.
var configEndings = [][]byte{
	[]byte(".conf"), []byte(".cnf"), []byte(".cfg"), []byte(".ini"), []byte(".rules"), []byte(".user.ini"),
}

// IsConfiguration reports whether a file is one that says what a program does, by its
// name.
func IsConfiguration(path []byte) bool {
	for _, ending := range configEndings {
		if bytes.HasSuffix(path, ending) {
			return true
		}
	}
	return false
}

// secretWords are parts of the names of files that hold secrets, in small letters.
var secretWords = [][]byte{
	[]byte("secret"), []byte("passw"), []byte("credential"), []byte("private"), []byte("htpasswd"),
	[]byte("id_rsa"), []byte("id_dsa"), []byte("id_ecdsa"), []byte("id_ed25519"), []byte("apikey"), []byte("api_key"), []byte("api-key"),
	[]byte("token"), []byte("wallet"), []byte("kubeconfig"), []byte("shadow"),
}

// secretEndings are those of files that hold secrets, in small letters.
var secretEndings = [][]byte{
	[]byte(".key"), []byte("-key.pem"), []byte("_key.pem"), []byte("/key.pem"), []byte("privkey.pem"), []byte(".p12"), []byte(".pfx"), []byte(".jks"), []byte(".keystore"), []byte(".kdbx"),
	[]byte(".env"), []byte(".keytab"), []byte(".ppk"), []byte(".gpg"), []byte(".asc"), []byte(".pgpass"), []byte(".netrc"),
	[]byte(".tfstate"), []byte(".ovpn"),
}

// IsSecret reports whether a file is sensitive, or may hold a secret by its name. No
// directory as a whole allows such a file. It does not allocate.
func IsSecret(path []byte) bool {
	if _, special := Grade(path); special {
		return true
	}
	name := path[bytes.LastIndexByte(path, '/')+1:]
	if IsCode(path) {
		return false // secrets.py, token.rb
	}
	if bytes.HasPrefix(name, []byte(".env")) {
		return true
	}
	for _, word := range secretWords {
		if containsFold(name, word) {
			return true
		}
	}
	if bytes.HasSuffix(name, []byte(".pem")) && !containsFold(path, []byte("cert")) {
		return true // certificates are no secrets, keys are
	}
	for _, ending := range secretEndings {
		if len(path) >= len(ending) && bytes.EqualFold(path[len(path)-len(ending):], ending) {
			return true
		}
	}
	return false
}

// IsOdd reports whether a name is no ordinary one of a file: it has bytes that are no
// text, or that a shell acts on.
func IsOdd(path []byte) bool {
	return bytes.ContainsFunc(path, func(r rune) bool {
		return r == utf8.RuneError || unicode.IsControl(r) || strings.ContainsRune("$`;|&<>\"'\\", r)
	})
}

// containsFold reports whether text has word in it, in any case.
func containsFold(text, word []byte) bool {
	for ; len(text) >= len(word); text = text[1:] {
		if bytes.EqualFold(text[:len(word)], word) {
			return true
		}
	}
	return false
}
