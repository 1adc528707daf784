package builtin

import (
	"bobwatch/internal/rule"
)

// keyring: the kernel's keyrings hold keys of disks, tickets and mounts.
var keyring = Rule{
	ID:    rule.Keyring,
	About: "`keyctl`, `add_key`, `request_key` that the profile does not allow",
	Blind: "which key: the arguments are not read",
	Kinds: calls,
	Calls: []string{"keyctl", "add_key", "request_key"},
}
