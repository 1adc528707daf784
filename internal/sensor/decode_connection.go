package sensor

import (
	"net/netip"

	"bobwatch/internal/event"
)

func (raw *bpfEvent) connection() event.Connection {
	c := &raw.Connection
	if c.Direction == 0 && c.Family == 0 {
		return event.Connection{}
	}
	out := event.Connection{
		Direction: event.Direction(c.Direction),
		Port:      c.Port,
		Protocol:  event.Protocol(c.Protocol),
		Family:    event.Family(c.Family),
		Type:      c.Type,
	}
	if out.Direction != 0 && !out.IsUnix() {
		out.Peer = netip.AddrFrom16(c.Address).Unmap()
	}
	return out
}

// peerPath is the name of a Unix socket. One without a place in a tree is in the
// arguments, because it may hold any byte.
func (d *decoder) peerPath(ev *event.Event, data []byte) []byte {
	switch {
	case !ev.Connection.IsUnix():
		return nil
	case len(data) > 0:
		return d.treePath(ev, data)
	}
	name := ev.Args
	ev.Args = nil
	if len(name) > 0 && name[0] == 0 {
		name = name[1:]
	}
	d.path = append(append(d.path[:0], '@'), name...)
	return d.path
}
