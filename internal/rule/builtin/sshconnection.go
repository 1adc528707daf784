package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// sshConnection: a client that goes to an unusual port meets a server that hides.
var sshConnection = Rule{
	ID:    rule.SSHConnection,
	About: "a TCP connection by a process named `ssh` to another port than 22 and 2022",
	Blind: "a client with another name; the protocol itself is not read",
	Kinds: connections,
	Broken: func(a Act) bool {
		c := &a.Event.Connection
		return c.Direction == event.Egress && c.Protocol == event.TCP && c.Port != 22 && c.Port != 2022 &&
			string(a.Event.Process.Comm[:4]) == "ssh\x00"
	},
}
