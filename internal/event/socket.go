package event

import (
	"strconv"
	"strings"
)

// Socket is a sort of socket, by the acts that it makes possible.
type Socket struct {
	Family Family
	Raw    bool // of IP, whose headers the program writes and reads itself
}

// rawSuffix follows the family in the name of a raw socket.
const rawSuffix = "/raw"

// families are the names of address families, as include/linux/socket.h has them.
var families = map[Family]string{
	1: "unix", 2: "inet", 4: "ipx", 5: "appletalk", 9: "x25", 10: "inet6", 15: "key", 16: "netlink",
	17: "packet", 21: "rds", 24: "pppox", 29: "can", 30: "tipc", 31: "bluetooth", 33: "rxrpc",
	38: "alg", 39: "nfc", 40: "vsock", 41: "kcm", 42: "qipcrtr", 43: "smc", 44: "xdp", 45: "mctp",
}

// Socket returns what c says of its socket.
func (c *Connection) Socket() Socket {
	ip := c.Family == FamilyIPv4 || c.Family == FamilyIPv6
	return Socket{Family: c.Family, Raw: ip && c.Type == SocketRaw}
}

// String returns the name that documents use, such as "netlink" and "inet/raw".
func (s Socket) String() string {
	name, ok := families[s.Family]
	if !ok {
		name = "family-" + strconv.Itoa(int(s.Family))
	}
	if s.Raw {
		name += rawSuffix
	}
	return name
}

// ParseSocket is the inverse of String.
func ParseSocket(name string) (s Socket, ok bool) {
	name, s.Raw = strings.CutSuffix(name, rawSuffix)
	if number, cut := strings.CutPrefix(name, "family-"); cut {
		n, err := strconv.ParseUint(number, 10, 16)
		s.Family = Family(n)
		return s, err == nil
	}
	for family, have := range families {
		if have == name {
			s.Family = family
			return s, true
		}
	}
	return Socket{}, false
}

// ParseProtocol is the inverse of Protocol.String; names may be in any case.
func ParseProtocol(name string) (Protocol, bool) {
	for protocol, have := range protocols {
		if strings.EqualFold(have, name) {
			return protocol, true
		}
	}
	n, err := strconv.ParseUint(name, 10, 16)
	return Protocol(n), err == nil
}
