package incident

import "bobwatch/internal/alert"

// maxPeers bounds the peers that an incident is known by.
const maxPeers = 16

// peer is whom a container speaks with, or where it waits. A packet comes, and
// a connection is refused, while any process runs: this tells whose it is.
type peer struct {
	container, protocol, address string // without an address: listens
	port                         uint16
}

// peerOf returns the peer that a tells of, if it is a contact.
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
