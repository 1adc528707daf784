// Package peer classifies addresses as a container sees them, by groups that exist in
// every cluster: its own pod, the cluster's networks, the cloud's metadata service, the
// world.
//
// Its invariant: the group of an address depends on the address alone, so that a profile
// learned in one cluster means the same in another.
package peer

import "net/netip"

// Entity is a group of addresses that has a name.
type Entity uint8

// The entities. Every address belongs to exactly one.
const (
	World     Entity = iota // whatever has no narrower name
	Loopback                // the container's own pod
	Private                 // networks that no router of the internet knows: pods, services, nodes
	LinkLocal               // neighbours on the wire, such as a node-local DNS cache
	Metadata                // where clouds hand out credentials
	Multicast               // many receivers, broadcast among them

	// Entities is how many there are.
	Entities = iota
)

var names = [Entities]string{
	World: "world", Loopback: "loopback", Private: "private",
	LinkLocal: "link-local", Metadata: "metadata", Multicast: "multicast",
}

// String returns the name that documents use.
func (e Entity) String() string {
	if int(e) < len(names) {
		return names[e]
	}
	return "unknown"
}

// Parse returns the entity of a name.
func Parse(name string) (Entity, bool) {
	for e, have := range names {
		if have == name {
			return Entity(e), true
		}
	}
	return World, false
}

// Names returns the names of all entities.
func Names() []string { return names[:] }

// metadata are the addresses at which clouds answer with credentials and
// configuration: AWS, GCP, Azure, OpenStack and others share the first; then
// ECS's and EKS's, AWS's on IPv6, Azure's host, Alibaba's.
var metadata = [...]netip.Addr{
	netip.MustParseAddr("169.254.169.254"),
	netip.MustParseAddr("169.254.170.2"),
	netip.MustParseAddr("169.254.170.23"),
	netip.MustParseAddr("fd00:ec2::254"),
	netip.MustParseAddr("fd00:ec2::23"),
	netip.MustParseAddr("168.63.129.16"),
	netip.MustParseAddr("100.100.100.200"),
}

// sharedSpace is that of carriers, RFC 6598, from which clusters take addresses too.
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// EntityOf returns the entity that address belongs to. An unspecified address
// is loopback, where connecting to it leads.
func EntityOf(address netip.Addr) Entity {
	address = address.Unmap().WithZone("")
	for i := range metadata {
		if metadata[i] == address {
			return Metadata
		}
	}
	switch {
	case address.IsLoopback(), address.IsUnspecified():
		return Loopback
	case address.IsPrivate(), sharedSpace.Contains(address):
		return Private
	case address.IsMulticast(), address == broadcast:
		return Multicast
	case address.IsLinkLocalUnicast():
		return LinkLocal
	}
	return World
}

// controlSockets are Unix sockets behind which something acts with the rights
// of the node, by the end of their path.
var controlSockets = []string{
	"/docker.sock", "/containerd.sock", "/containerd.sock.ttrpc", "/crio.sock", "/podman.sock",
	"/cri-dockerd.sock", "/dockershim.sock", "/kubelet.sock", "/systemd/private", "/system_bus_socket",
}

// IsControlSocket reports whether a Unix socket commands the node. A path says
// little, as it may be mounted anywhere, so that only its end counts.
func IsControlSocket(path []byte) bool {
	for _, end := range controlSockets {
		if len(path) >= len(end) && string(path[len(path)-len(end):]) == end {
			return true
		}
	}
	return false
}
