package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/peer"
	"bobwatch/internal/rule"
)

// nodeService: the node's services act with the rights of the node.
var nodeService = Rule{
	ID:    rule.UnexpectedControl,
	About: "a connection to the Unix socket of a container runtime, of systemd, the kubelet or the like",
	Blind: "a socket that is mounted under another name",
	Kinds: connections,
	Broken: func(a Act) bool {
		c := &a.Event.Connection
		return a.Container.Image && c.IsUnix() && c.Direction == event.Egress && peer.IsControlSocket(a.Event.Path)
	},
}
