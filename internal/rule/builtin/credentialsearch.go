package builtin

import (
	"bytes"

	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// credentialSearch: a search for keys by name has no other purpose than to take them.
var credentialSearch = Rule{
	ID:    rule.CredentialSearch,
	About: "`grep`, `find`, `locate` and the like with the name of a key or of a file of credentials among their arguments; a search of directories by `grep -r`, `rg` and the like, or of all files by `find / -name`, for `password` or `shadow`",
	Blind: "a search by other programs; their opens are judged",
	Kinds: executions,
	Broken: func(a Act) bool {
		return searchers.runs(a.Event) && (holds(a.Event.Args, credentialWords) || searchesWide(a.Event))
	},
}

var searchers = namesOf("grep", "egrep", "fgrep", "rg", "find", "locate", "plocate", "ag", "ack", "zgrep", "strings")

var credentialWords = wordsOf(
	"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "BEGIN RSA", "BEGIN OPENSSH", "PRIVATE KEY", "aws_access_key", "aws_secret",
	".aws/credentials", "AKIA", "kubeconfig", ".kube/config", ".docker/config.json", ".git-credentials", ".netrc", ".pgpass", "passwd=", "/etc/shadow", "/etc/gshadow",
)

// bareWords are names of options, directories and settings as often as of secrets.
var bareWords = wordsOf("password", "shadow")

// searchesWide reports whether a bare word is searched for in more than named files.
func searchesWide(e *event.Event) bool {
	switch {
	case finders.runs(e):
		return findsName(e.Args)
	case treeSearchers.runs(e):
		return holds(e.Args, bareWords)
	}
	return grepsTree(e.Args) && holds(e.Args, bareWords)
}

var (
	finders        = namesOf("find")
	treeSearchers  = namesOf("rg", "ag", "ack", "locate", "plocate")
	wholeTree      = namesOf("/")
	nameTests      = namesOf("-name", "-iname")
	negations      = namesOf("!", "-not")
	treeOptions    = namesOf("--recursive", "--dereference-recursive", "--directories=recurse")
	operandLetters = []byte("efmABCdD")
)

// findsName reports whether find looks through the whole tree for a name with a bare
// word in it.
func findsName(args []byte) bool {
	if !wholeTree.hasArgument(args) {
		return false
	}
	var before, test []byte
	for rest, more := args, true; more; {
		var arg []byte
		arg, rest, more = bytes.Cut(rest, nul)
		if nameTests.has(test) && !negations.has(before) && holds(arg, bareWords) {
			return true
		}
		before, test = test, arg
	}
	return false
}

// grepsTree reports whether grep looks through directories.
func grepsTree(args []byte) bool {
	if treeOptions.hasArgument(args) {
		return true
	}
	_, rest, more := bytes.Cut(args, nul)
	for more {
		var arg []byte
		arg, rest, more = bytes.Cut(rest, nul)
		if len(arg) < 2 || arg[0] != '-' || arg[1] == '-' {
			continue
		}
		for _, letter := range arg[1:] {
			if letter == 'r' || letter == 'R' {
				return true
			}
			if bytes.IndexByte(operandLetters, letter) >= 0 {
				break
			}
		}
	}
	return false
}
