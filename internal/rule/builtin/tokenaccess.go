package builtin

import (
	"bobwatch/internal/rule"
)

// tokenAccess: an attacker with the token acts in the name of the workload.
var tokenAccess = Rule{
	ID:    rule.TokenAccess,
	About: "an open of a file named `token` below `/run/secrets`, where Kubernetes and clouds mount tokens",
	Blind: "a token that is mounted elsewhere or was handed over by another process",
	Kinds: opens,
	Broken: func(a Act) bool {
		return belowAny(a.Event.Path, secretMounts) && is(lastName(a.Event.Path), "token")
	},
}

// secretMounts are the directories in which Kubernetes mounts secrets.
var secretMounts = []string{"/run/secrets/", "/var/run/secrets/"}
