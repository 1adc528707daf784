package allowance

import (
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"bobwatch/internal/event"
	"bobwatch/internal/peer"
	"bobwatch/internal/profile"
	"bobwatch/internal/term"
)

// networkAct holds the network entries that a command line allows.
type networkAct struct {
	egress, ingress, listens []string
	sockets, unix            []string
}

func (a *networkAct) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&a.egress, "egress", nil, "allow connecting to `PEER,PROTOCOL[,PORT]`, such as world,TCP,443; a peer is a name such as private, an address or a CIDR (repeatable)")
	flags.StringArrayVar(&a.ingress, "ingress", nil, "allow connections from `PEER,PROTOCOL[,PORT]` (repeatable)")
	flags.StringArrayVar(&a.listens, "listen", nil, "allow listening on `PROTOCOL,PORT` (repeatable)")
	flags.StringArrayVar(&a.sockets, "socket", nil, "allow sockets of a `FAMILY`, such as netlink or inet/raw (repeatable)")
	flags.StringArrayVar(&a.unix, "unix", nil, "allow connecting to the socket at `PATH` of a service on the node (repeatable)")
}

func (a *networkAct) empty() bool {
	return len(a.egress)+len(a.ingress)+len(a.listens)+len(a.sockets)+len(a.unix) == 0
}

// Network returns the network section that allows the entries.
func (a *Act) Network() (profile.Network, error) { return a.network.section() }

func (a *networkAct) section() (n profile.Network, err error) {
	if n.Egress, err = neighbors("--egress", a.egress); err != nil {
		return n, err
	}
	if n.Ingress, err = neighbors("--ingress", a.ingress); err != nil {
		return n, err
	}
	for _, text := range a.listens {
		port, ok := parsePort(text)
		if !ok || port.Port == "" {
			return n, term.Usagef("--listen %s: want PROTOCOL,PORT, such as TCP,8080", term.Word(text))
		}
		n.Listens = append(n.Listens, port)
	}
	for _, name := range a.sockets {
		if _, ok := event.ParseSocket(name); !ok {
			return n, term.Usagef("--socket %s: no such family of sockets", term.Word(name))
		}
	}
	n.Sockets, n.Unix = a.sockets, a.unix
	return n, nil
}

func neighbors(flag string, texts []string) ([]profile.Neighbor, error) {
	var list []profile.Neighbor
	for _, text := range texts {
		who, rest, _ := strings.Cut(text, ",")
		port, ok := parsePort(rest)
		if !ok {
			return nil, term.Usagef("%s %s: want PEER,PROTOCOL[,PORT], such as world,TCP,443", flag, term.Word(text))
		}
		n := profile.Neighbor{Ports: []profile.Port{port}}
		if _, named := peer.Parse(who); named {
			n.Entities = []string{who}
		} else {
			n.IPAddresses = []string{who} // whether it is one is checked with the document
		}
		list = append(list, n)
	}
	return list, nil
}

// parsePort reads PROTOCOL or PROTOCOL,PORT.
func parsePort(text string) (profile.Port, bool) {
	protocol, number, _ := strings.Cut(text, ",")
	if _, ok := event.ParseProtocol(protocol); !ok {
		return profile.Port{}, false
	}
	if number != "" {
		if _, err := strconv.ParseUint(number, 10, 16); err != nil {
			return profile.Port{}, false
		}
	}
	return profile.Port{Protocol: protocol, Port: number}, true
}
