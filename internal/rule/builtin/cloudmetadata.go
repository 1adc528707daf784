package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/peer"
	"bobwatch/internal/rule"
)

// cloudMetadata: a cloud hands out the credentials of the machine there.
var cloudMetadata = Rule{
	ID:    rule.CloudMetadata,
	About: "a connection to the address of a cloud's metadata service, such as 169.254.169.254",
	Blind: "a proxy that forwards to it",
	Kinds: connections,
	Broken: func(a Act) bool {
		c := &a.Event.Connection
		return c.Direction == event.Egress && c.Peer.IsValid() && peer.EntityOf(c.Peer) == peer.Metadata
	},
}
