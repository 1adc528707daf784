package builtin

import (
	"bobwatch/internal/rule"
)

// credentialSearch: nobody searches for keys by name but for taking them.
var credentialSearch = Rule{
	ID:    rule.CredentialSearch,
	About: "`grep`, `find`, `locate` and the like with the name of a key or of a file of credentials among their arguments",
	Blind: "a search by other programs; their opens are judged",
	Kinds: executions,
	Broken: func(a Act) bool {
		return searchers.runs(a.Event) && holds(a.Event.Args, credentialWords)
	},
}

var searchers = namesOf("grep", "egrep", "fgrep", "rg", "find", "locate", "plocate", "ag", "ack", "zgrep", "strings")

var credentialWords = wordsOf(
	"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "BEGIN RSA", "BEGIN OPENSSH", "PRIVATE KEY", "aws_access_key", "aws_secret",
	".aws/credentials", "AKIA", "kubeconfig", ".kube/config", ".docker/config.json", ".git-credentials", ".netrc", ".pgpass", "password", "passwd=", "shadow",
)
