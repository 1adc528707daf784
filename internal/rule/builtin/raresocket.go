package builtin

import (
	"bobwatch/internal/rule"
)

// rareSocket: vsock leads to the machine's host; the others are rarely used and have had many holes.
var rareSocket = Rule{
	ID:    rule.RareSocket,
	About: "a socket of the families `vsock`, `alg`, `key`, `rds`, `tipc`, `can` by a container with an image",
	Blind: "which command goes through it",
	Kinds: sockets,
	Broken: func(a Act) bool {
		switch a.Event.Connection.Family {
		case familyKey, familyRDS, familyCAN, familyTIPC, familyALG, familyVsock:
			return a.Container.Image
		}
		return false
	},
}

// From include/linux/socket.h.
const (
	familyKey   = 15
	familyRDS   = 21
	familyCAN   = 29
	familyTIPC  = 30
	familyALG   = 38
	familyVsock = 40
)
