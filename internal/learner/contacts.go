package learner

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"bobwatch/internal/event"
	"bobwatch/internal/peer"
	"bobwatch/internal/profile"
)

const (
	// maxContacts bounds the contacts, sockets and paths of one Learner.
	maxContacts = 4_096
	// firstEphemeral is the first port that Linux hands out by itself, see
	// ip_local_port_range. The program that gets one did not choose it.
	firstEphemeral, lastPort = 32_768, 65_535
	// maxEphemeral is how many of these ports of one group of peers are kept one
	// by one.
	maxEphemeral = 8
)

// contact is a peer of the workload, in a form that also holds for the next replica and
// in the next cluster: an entity in place of an address.
type contact struct {
	direction event.Direction
	entity    peer.Entity // of event.Listen the zero value
	protocol  event.Protocol
	port      uint16 // firstEphemeral stands for all from there on, if ephemeral
	ephemeral bool
}

// contactOf returns the fact that is learned from an IP connection. All ports that the
// kernel may choose for the workload count as one: next time it is another one.
func contactOf(c *event.Connection) contact {
	k := contact{direction: c.Direction, protocol: c.Protocol, port: c.Port}
	if c.Direction != event.Listen {
		k.entity = peer.EntityOf(c.Peer)
	}
	if c.Direction != event.Egress && c.Port >= firstEphemeral {
		k.port, k.ephemeral = firstEphemeral, true
	}
	return k
}

// String returns the form in which a contact is kept in the journal, such as
// "egress private TCP 6379".
func (k contact) String() string {
	port := strconv.Itoa(int(k.port))
	if k.ephemeral {
		port += "+"
	}
	return fmt.Sprintf("%s %s %s %s", k.direction, k.entity, k.protocol, port)
}

func parseContact(text string) (k contact, ok bool) {
	fields := strings.Split(text, " ")
	if len(fields) != 4 {
		return k, false
	}
	directions := map[string]event.Direction{"egress": event.Egress, "ingress": event.Ingress, "listen": event.Listen}
	k.direction = directions[fields[0]]
	var named, numbered bool
	k.entity, named = peer.Parse(fields[1])
	k.protocol, numbered = event.ParseProtocol(fields[2])
	fields[3], k.ephemeral = strings.CutSuffix(fields[3], "+")
	port, err := strconv.ParseUint(fields[3], 10, 16)
	k.port = uint16(port)
	return k, k.direction != 0 && named && numbered && err == nil
}

// contacts holds the facts of one Learner about the network.
type contacts struct {
	peers   map[contact]struct{}
	sockets map[event.Socket]struct{}
	unix    map[string]struct{}
}

func newContacts() contacts {
	return contacts{
		peers: make(map[contact]struct{}), sockets: make(map[event.Socket]struct{}), unix: make(map[string]struct{}),
	}
}

func (c *contacts) len() int { return len(c.peers) + len(c.sockets) + len(c.unix) }

// observeContact learns a connection, refused or not: a program that tries to
// reach a peer does so every time.
func (l *Learner) observeContact(e *event.Event) bool {
	c := &e.Connection
	if c.IsUnix() {
		if c.Direction != event.Egress || !peer.IsControlSocket(e.Path) {
			return false
		}
		return learn(l, e, l.contacts.unix, FactUnix, string(e.Path), string(e.Path))
	}
	if c.Family == event.FamilyPacket {
		return false // the socket is learned in its place
	}
	k := contactOf(c)
	if l.contacts.knows(k) {
		return false
	}
	return learn(l, e, l.contacts.peers, FactContact, k, k.String())
}

// AnyPeer reports whether clients from everywhere use the port of a connection, so
// that single ones are not worth a report. A connection that a program makes is
// always worth one: to the cloud's metadata service, for example.
func (l *learned) AnyPeer(c *event.Connection) bool {
	if c.IsUnix() || c.Direction != event.Ingress {
		return false
	}
	k := contactOf(c)
	for _, k.entity = range []peer.Entity{peer.World, peer.Private} {
		if !l.contacts.knows(k) {
			return false
		}
	}
	return true
}

func (l *Learner) observeSocket(e *event.Event) bool {
	s := e.Connection.Socket()
	if _, known := l.contacts.sockets[s]; known {
		return false
	}
	return learn(l, e, l.contacts.sockets, FactSocket, s, s.String())
}

// learn adds a fact if it is new and there is room.
func learn[K comparable](l *Learner, e *event.Event, set map[K]struct{}, kind FactKind, key K, text string) bool {
	if _, known := set[key]; known {
		return false
	}
	if l.contacts.len() >= maxContacts {
		l.counts.Full++
		return false
	}
	set[key] = struct{}{}
	l.tell(e, Fact{Kind: kind, Path: text})
	return true
}

// knows reports whether k is known, also as one of many ports.
func (c *contacts) knows(k contact) bool {
	if _, known := c.peers[k]; known {
		return true
	}
	if k.port < firstEphemeral {
		return false
	}
	k.port, k.ephemeral = firstEphemeral, true
	_, known := c.peers[k]
	return known
}

// restoreContact adds a fact of the network as it was written down.
func (l *learned) restoreContact(f *Fact) (added bool) {
	if l.contacts.len() >= maxContacts {
		l.counts.Full++
		return false
	}
	before := l.contacts.len()
	switch f.Kind {
	case FactContact:
		if k, ok := parseContact(f.Path); ok && !l.contacts.knows(k) {
			l.contacts.peers[k] = struct{}{}
		}
	case FactSocket:
		if s, ok := event.ParseSocket(f.Path); ok {
			l.contacts.sockets[s] = struct{}{}
		}
	case FactUnix:
		l.contacts.unix[f.Path] = struct{}{}
	}
	return l.contacts.len() > before
}

// facts returns the facts about the network, in the form of the journal.
func (c *contacts) facts(seen Seen) []Fact {
	var facts []Fact
	for k := range c.peers {
		facts = append(facts, Fact{Kind: FactContact, Path: k.String(), Seen: seen})
	}
	for s := range c.sockets {
		facts = append(facts, Fact{Kind: FactSocket, Path: s.String(), Seen: seen})
	}
	for path := range c.unix {
		facts = append(facts, Fact{Kind: FactUnix, Path: path, Seen: seen})
	}
	return facts
}

// network returns the learned facts as in a document: one neighbor for each entity, with
// all of its ports.
func (c *contacts) network() profile.Network {
	var n profile.Network
	egress, ingress := make(map[peer.Entity][]contact), make(map[peer.Entity][]contact)
	for k := range c.peers {
		switch k.direction {
		case event.Egress:
			egress[k.entity] = append(egress[k.entity], k)
		case event.Ingress:
			ingress[k.entity] = append(ingress[k.entity], k)
		case event.Listen:
			n.Listens = append(n.Listens, portsOf([]contact{k})...)
		}
	}
	n.Egress, n.Ingress = neighborsOf(egress), neighborsOf(ingress)
	for s := range c.sockets {
		n.Sockets = append(n.Sockets, s.String())
	}
	n.Unix = slices.Collect(maps.Keys(c.unix))
	return profile.NormaliseNetwork(n)
}

func neighborsOf(byEntity map[peer.Entity][]contact) []profile.Neighbor {
	var neighbors []profile.Neighbor
	for entity, contacts := range byEntity {
		neighbors = append(neighbors, profile.Neighbor{Entities: []string{entity.String()}, Ports: portsOf(contacts)})
	}
	return neighbors
}

// portsOf returns the ports of contacts. More than a few ephemeral ones of one
// protocol are all of them: the peer chooses another each time, as FTP and NFS do.
func portsOf(contacts []contact) []profile.Port {
	ephemeral := make(map[event.Protocol]int)
	for _, k := range contacts {
		if k.ephemeral {
			ephemeral[k.protocol] += maxEphemeral
		}
		if k.port >= firstEphemeral {
			ephemeral[k.protocol]++
		}
	}
	var ports []profile.Port
	for _, k := range contacts {
		port := profile.Port{Protocol: k.protocol.String(), Port: strconv.Itoa(int(k.port))}
		switch {
		case k.port >= firstEphemeral && ephemeral[k.protocol] > maxEphemeral:
			port.Port, port.EndPort = strconv.Itoa(firstEphemeral), strconv.Itoa(lastPort)
		case k.port == 0:
			port.Port = ""
		}
		ports = append(ports, port)
	}
	return ports
}

// contactFactsOf returns the network entries of c as facts.
func contactFactsOf(c *profile.Container) []Fact {
	read := newContacts()
	read.absorb(event.Egress, c.Network.Egress)
	read.absorb(event.Ingress, c.Network.Ingress)
	read.absorbPorts(contact{direction: event.Listen}, c.Network.Listens)
	facts := read.facts(Seen{})
	for _, name := range c.Network.Sockets {
		facts = append(facts, Fact{Kind: FactSocket, Path: name})
	}
	for _, path := range c.Network.Unix {
		facts = append(facts, Fact{Kind: FactUnix, Path: path})
	}
	return facts
}

// absorb reads neighbors as learners write them, by entity.
func (c *contacts) absorb(direction event.Direction, neighbors []profile.Neighbor) {
	for _, n := range neighbors {
		for _, name := range n.Entities {
			if entity, ok := peer.Parse(name); ok {
				c.absorbPorts(contact{direction: direction, entity: entity}, n.Ports)
			}
		}
	}
}

func (c *contacts) absorbPorts(k contact, ports []profile.Port) {
	for _, p := range ports {
		protocol, ok := event.ParseProtocol(p.Protocol)
		port, err := strconv.ParseUint("0"+p.Port, 10, 16)
		if !ok || err != nil {
			continue
		}
		k.protocol, k.port, k.ephemeral = protocol, uint16(port), p.EndPort != ""
		c.peers[k] = struct{}{}
	}
}
