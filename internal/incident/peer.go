package incident

import "bobwatch/internal/alert"

// maxPeers bounds the peers that an incident is known by.
const maxPeers = 16

// peer is the peer of a container, or the port on which it listens. A packet comes, and a
// connection is refused, while any process runs: the peer attributes it to an incident.
type peer struct {
	container, protocol, address string // without an address: listens
	port                         uint16
}

// peerOf returns the peer in a, if a is about a contact.
func peerOf(a *alert.Alert) (peer, bool) {
	c := a.Deviation.Contact
	if c == nil || c.Path != "" {
		return peer{}, false
	}
	key := peer{container: a.Container.ID, protocol: c.Protocol, port: c.Port}
	if c.Direction == "egress" {
		key.address = c.Address
	}
	return key, true
}

// meet remembers the peer of an act whose process is known.
func (t *Tracker) meet(i *incident, a *alert.Alert) {
	key, ok := peerOf(a)
	if ok && a.Process.PID != 0 && t.peers[key] == nil && len(i.peers) < maxPeers {
		t.peers[key] = i
		i.peers = append(i.peers, key)
	}
}
