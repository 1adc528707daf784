package sensitive

import (
	"bytes"
	"strings"
	"unicode"
)

// codeEndings are those of files that something else loads or interprets.
var codeEndings = [][]byte{
	[]byte(".so"), []byte(".py"), []byte(".pyc"), []byte(".sh"), []byte(".pl"), []byte(".pm"), []byte(".rb"), []byte(".php"),
	[]byte(".phtml"), []byte(".jsp"), []byte(".js"), []byte(".mjs"), []byte(".cjs"), []byte(".node"), []byte(".jar"), []byte(".war"),
	[]byte(".class"), []byte(".lua"), []byte(".wasm"), []byte(".ko"), []byte(".cgi"), []byte(".htaccess"), []byte(".service"),
	[]byte(".jspx"), []byte(".asp"), []byte(".aspx"), []byte(".phar"), []byte(".pht"), []byte(".php3"), []byte(".php4"), []byte(".php5"),
	[]byte(".php7"), []byte(".php8"), []byte(".groovy"), []byte(".hpi"), []byte(".jpi"), []byte(".ear"), []byte(".pth"), []byte(".bash"),
	[]byte(".zsh"), []byte(".tcl"), []byte(".ps1"), []byte(".exe"), []byte(".dll"),
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

// configEndings are the endings of configuration files.
var configEndings = [][]byte{
	[]byte(".conf"), []byte(".cnf"), []byte(".cfg"), []byte(".ini"), []byte(".rules"), []byte(".user.ini"),
}

// startFiles are read, and mostly run, by a shell or a client when it starts.
var startFiles = [][]byte{
	[]byte(".bashrc"), []byte(".bash_profile"), []byte(".bash_login"), []byte(".bash_logout"), []byte(".profile"),
	[]byte(".zshrc"), []byte(".zshenv"), []byte(".zprofile"), []byte(".zlogin"), []byte(".kshrc"), []byte(".cshrc"), []byte(".inputrc"),
	[]byte(".psqlrc"), []byte(".my.cnf"), []byte(".mysqlrc"), []byte(".gitconfig"), []byte(".vimrc"), []byte(".emacs"), []byte(".rhosts"),
	[]byte(".forward"), []byte(".pypirc"), []byte(".npmrc"), []byte(".curlrc"), []byte(".wgetrc"), []byte(".pam_environment"),
	[]byte("authorized_keys"), []byte("authorized_keys2"), []byte("crontab"),
}

// IsConfiguration reports whether the name of a file is that of configuration.
func IsConfiguration(path []byte) bool {
	for _, ending := range configEndings {
		if bytes.HasSuffix(path, ending) {
			return true
		}
	}
	name := path[bytes.LastIndexByte(path, '/')+1:]
	for _, start := range startFiles {
		if bytes.Equal(name, start) {
			return true
		}
	}
	return bytes.Contains(path, []byte("/hooks/")) // of git, which runs them
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

// IsOdd reports whether the last name of a path makes a shell run something: it has
// control characters or those of commands. An apostrophe, an ampersand and a dollar
// sign alone stand in names that people give.
func IsOdd(path []byte) bool {
	name := path[bytes.LastIndexByte(path, '/')+1:]
	return bytes.Contains(name, []byte("$(")) || bytes.Contains(name, []byte("${")) || bytes.ContainsFunc(name, func(r rune) bool {
		return unicode.IsControl(r) || strings.ContainsRune("`;|<>", r)
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
