package match

import (
	"net/netip"
	"slices"
	"strconv"

	"bobwatch/internal/event"
	"bobwatch/internal/glob"
	"bobwatch/internal/peer"
	"bobwatch/internal/profile"
)

// network is the compiled form of the network entries of some containers.
type network struct {
	egress, ingress peers
	listens         ports
	sockets         map[event.Socket]struct{}
	unix            map[string]struct{}
}

// peers holds the ports of each group of addresses: of all, of an entity, of a
// prefix.
type peers struct {
	any      ports
	entities [peer.Entities]ports
	prefixes map[netip.Prefix]ports
	lengths  []int // of the prefixes, in bits
}

// ports are the allowed ports of one group of addresses. The zero value allows none.
type ports struct {
	all    bool
	ranges []portRange
}

type portRange struct {
	protocol  event.Protocol // 0: any
	low, high uint16
}

func (p *ports) has(protocol event.Protocol, port uint16) bool {
	if p.all {
		return true
	}
	for _, r := range p.ranges {
		if (r.protocol == 0 || r.protocol == protocol) && r.low <= port && port <= r.high {
			return true
		}
	}
	return false
}

func (p *ports) empty() bool { return !p.all && len(p.ranges) == 0 }

// add takes in the ports of a neighbor; none are all. A port that no number
// says, such as a parameter without a value, allows nothing.
func (p *ports) add(list []profile.Port) {
	p.all = p.all || len(list) == 0
	for _, port := range list {
		if r, ok := rangeOf(port); ok {
			p.ranges = append(p.ranges, r)
		}
	}
}

func rangeOf(port profile.Port) (r portRange, ok bool) {
	if port.Protocol != "" {
		if r.protocol, ok = event.ParseProtocol(port.Protocol); !ok {
			return r, false
		}
	}
	if port.Port == "" || port.Port == "0" {
		r.high = ^uint16(0)
		return r, true
	}
	low, err := strconv.ParseUint(port.Port, 10, 16)
	if err != nil {
		return r, false
	}
	r.low, r.high = uint16(low), uint16(low)
	if port.EndPort == "" {
		return r, true
	}
	high, err := strconv.ParseUint(port.EndPort, 10, 16)
	r.high = uint16(high)
	return r, err == nil
}

func (n *network) add(c *profile.Network) {
	for i := range c.Egress {
		n.egress.add(&c.Egress[i])
	}
	for i := range c.Ingress {
		n.ingress.add(&c.Ingress[i])
	}
	if len(c.Listens) > 0 {
		n.listens.add(c.Listens)
	}
	for _, name := range c.Sockets {
		if s, ok := event.ParseSocket(name); ok {
			put(&n.sockets, s)
		}
	}
	for _, path := range c.Unix {
		put(&n.unix, path)
	}
}

func put[K comparable](set *map[K]struct{}, key K) {
	if *set == nil {
		*set = make(map[K]struct{})
	}
	(*set)[key] = struct{}{}
}

// add adds a neighbor. A neighbor with names or selectors alone stands for all addresses
// that these may have: names for any address except those that never have a name,
// selectors for the cluster's networks.
func (p *peers) add(n *profile.Neighbor) {
	for _, name := range n.Entities {
		if e, ok := peer.Parse(name); ok {
			p.entities[e].add(n.Ports)
		}
	}
	for _, text := range n.IPAddresses {
		p.addAddress(text, n.Ports)
	}
	if len(n.IPAddresses)+len(n.Entities) > 0 {
		return
	}
	if len(n.DNSNames) > 0 {
		p.entities[peer.World].add(n.Ports)
	}
	if len(n.DNSNames)+len(n.PodSelector)+len(n.NamespaceSelector)+len(n.Kubescape) > 0 {
		p.entities[peer.Private].add(n.Ports)
	}
}

func (p *peers) addAddress(text string, list []profile.Port) {
	if text == glob.Wildcard {
		p.any.add(list)
		return
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		address, err := netip.ParseAddr(text)
		if err != nil {
			return
		}
		address = address.Unmap().WithZone("")
		prefix = netip.PrefixFrom(address, address.BitLen())
	}
	if p.prefixes == nil {
		p.prefixes = make(map[netip.Prefix]ports)
	}
	prefix = prefix.Masked()
	have := p.prefixes[prefix]
	have.add(list)
	p.prefixes[prefix] = have
	if !slices.Contains(p.lengths, prefix.Bits()) {
		p.lengths = append(p.lengths, prefix.Bits())
	}
}

// match judges a peer by every group that it is in.
func (p *peers) match(c *event.Connection) Verdict {
	entity := &p.entities[peer.EntityOf(c.Peer)]
	if p.any.has(c.Protocol, c.Port) || entity.has(c.Protocol, c.Port) {
		return Allowed
	}
	known := !p.any.empty() || !entity.empty()
	for _, bits := range p.lengths {
		prefix, err := c.Peer.Prefix(bits)
		if err != nil {
			continue // longer than an IPv4 address
		}
		of, ok := p.prefixes[prefix]
		if ok && of.has(c.Protocol, c.Port) {
			return Allowed
		}
		known = known || ok
	}
	if known {
		return DetailUnknown
	}
	return PathUnknown
}

// anyPeer reports whether a port may be used with every peer. The kernel does not
// distinguish peers of that port any more, so every group that a program can
// connect to has to be allowed, the cloud's metadata service among them. Clients
// come from the world and from private networks alone.
func (p *peers) anyPeer(c *event.Connection) bool {
	if p.any.has(c.Protocol, c.Port) {
		return true
	}
	for group := range p.entities {
		reached := c.Direction == event.Egress || peer.Entity(group) == peer.World || peer.Entity(group) == peer.Private
		if reached && !p.entities[group].has(c.Protocol, c.Port) {
			return false
		}
	}
	return true
}

// Contact judges a connection. DetailUnknown is a known peer on another port.
// Where no document speaks for the network all is allowed.
func (m *Matcher) Contact(c *event.Connection, path []byte) Verdict {
	switch {
	case !m.Judges(profile.SenseNetwork) || c.Family == event.FamilyPacket:
		return Allowed // a packet socket is judged when it is made
	case c.IsUnix():
		return m.network.matchUnix(c, path)
	case c.Direction == event.Egress:
		return m.network.egress.match(c)
	case c.Direction == event.Ingress:
		return m.network.ingress.match(c)
	case m.network.listens.has(c.Protocol, c.Port):
		return Allowed
	}
	return PathUnknown
}

// matchUnix judges those Unix sockets alone behind which the node obeys.
func (n *network) matchUnix(c *event.Connection, path []byte) Verdict {
	if c.Direction != event.Egress || !peer.IsControlSocket(path) {
		return Allowed
	}
	if _, ok := n.unix[string(path)]; ok {
		return Allowed
	}
	return PathUnknown
}

// Socket judges a new socket by its family.
func (m *Matcher) Socket(s event.Socket) Verdict {
	if !m.Judges(profile.SenseNetwork) {
		return Allowed
	}
	if _, ok := m.network.sockets[s]; ok {
		return Allowed
	}
	return PathUnknown
}

// AnyPeer reports whether the connection is allowed with any peer, so that single peers
// need no report. A nil Matcher allows no such connection.
func (m *Matcher) AnyPeer(c *event.Connection) bool {
	switch {
	case m == nil || c.IsUnix():
		return false
	case !m.Judges(profile.SenseNetwork):
		return c.Direction != event.Listen // nothing judges peers
	case c.Direction == event.Egress:
		return m.network.egress.anyPeer(c)
	case c.Direction == event.Ingress:
		return m.network.ingress.anyPeer(c)
	}
	return false
}
