package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// sniffer: such a socket sees the packets of other programs and sends any.
var sniffer = Rule{
	ID:    rule.Sniffer,
	About: "a socket of the families `packet` and `xdp` by a container with an image",
	Blind: "raw sockets of IP, which ping uses as well and the profile judges",
	Kinds: sockets,
	Broken: func(a Act) bool {
		family := a.Event.Connection.Family
		return a.Container.Image && (family == event.FamilyPacket || family == familyXDP)
	},
}

const familyXDP = 44
