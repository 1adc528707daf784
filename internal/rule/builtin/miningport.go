package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// miningPort: pools listen on ports that hardly anything else has.
var miningPort = Rule{
	ID:    rule.MiningPort,
	About: "a TCP connection to a port of mining pools: 3333, 14433, 14444, 45560, 45700, 10343",
	Blind: "pools on other ports; many offer 80 and 443",
	Kinds: connections,
	Broken: func(a Act) bool {
		c := &a.Event.Connection
		if c.Direction != event.Egress || c.Protocol != event.TCP {
			return false
		}
		switch c.Port {
		case 3333, 14433, 14444, 45560, 45700, 10343:
			return true
		}
		return false
	},
}
