package event

import (
	"net/netip"
	"strconv"
)

// Direction says which side spoke first.
type Direction uint8

// The directions of a Connection.
const (
	Egress  Direction = iota + 1 // the container connected or sent
	Ingress                      // a peer connected to the container, or was answered
	Listen                       // the container waits for peers
)

// String returns the direction as documents and alerts name it.
func (d Direction) String() string {
	switch d {
	case Egress:
		return "egress"
	case Ingress:
		return "ingress"
	case Listen:
		return "listen"
	}
	return "unknown"
}

// Protocol is a protocol above IP, by its number in the header.
type Protocol uint16

// The protocols that have ports, and those of ping.
const (
	ICMP   Protocol = 1
	TCP    Protocol = 6
	UDP    Protocol = 17
	ICMPv6 Protocol = 58
	SCTP   Protocol = 132
)

var protocols = map[Protocol]string{ICMP: "ICMP", TCP: "TCP", UDP: "UDP", ICMPv6: "ICMPv6", SCTP: "SCTP"}

// String returns the protocol as documents name it; one without a name is its
// number.
func (p Protocol) String() string {
	if name, ok := protocols[p]; ok {
		return name
	}
	return strconv.Itoa(int(p))
}

// Family is an address family, by its number in the kernel.
type Family uint16

// The families that are treated differently from others.
const (
	FamilyUnix   Family = 1
	FamilyIPv4   Family = 2
	FamilyIPv6   Family = 10
	FamilyPacket Family = 17
)

// SocketRaw is the type of a socket whose program writes protocol headers itself.
const SocketRaw = 3

// Connection is the peer of a container. For KindSocket it has only the family, type and
// protocol of a new socket.
type Connection struct {
	Direction Direction
	// Peer is the other side; with Listen the container's own address, which may
	// be unspecified. IPv4 is never mapped into IPv6. It is not valid for
	// FamilyUnix, whose peer is the event's Path.
	Peer     netip.Addr
	Port     uint16 // the peer's with Egress, else the container's own; 0 without ports
	Protocol Protocol
	Family   Family
	Type     uint8 // SOCK_STREAM, ...
}

// IsUnix reports whether the peer is another socket of this machine, by a path
// or an abstract name.
func (c *Connection) IsUnix() bool { return c.Family == FamilyUnix }
