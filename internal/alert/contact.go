package alert

import (
	"fmt"
	"strconv"

	"bobwatch/internal/detector"
	"bobwatch/internal/event"
	"bobwatch/internal/peer"
	"bobwatch/internal/process"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/generalise"
	"bobwatch/internal/rule"
)

// Contact is a connection outside of the profile.
type Contact struct {
	Direction string `json:"direction"` // egress, ingress or listen
	// Address is the peer's, and the container's own where it listens. Path is
	// that of a Unix socket, in place of it.
	Address string `json:"address,omitempty"`
	Path    string `json:"path,omitempty"`
	// Entity is the group of addresses that the peer belongs to, as documents
	// name it.
	Entity   string `json:"entity,omitempty"`
	Protocol string `json:"protocol,omitempty"`
	Port     uint16 `json:"port,omitempty"` // the peer's for egress, else the container's own
	// Refused is the name of the error with which the connection ended at once.
	Refused string `json:"refused,omitempty"`
}

var contactTeller = teller{
	describe: func(_ string, e *event.Event, _ *process.Command) Deviation {
		c := &e.Connection
		contact := &Contact{Direction: c.Direction.String(), Refused: refusedWith(e)}
		if c.IsUnix() {
			contact.Path = Printable(string(e.Path), maxPath)
			return Deviation{Contact: contact}
		}
		contact.Address, contact.Port, contact.Protocol = c.Peer.String(), c.Port, c.Protocol.String()
		if c.Direction != event.Listen {
			contact.Entity = peer.EntityOf(c.Peer).String()
		}
		return Deviation{Contact: contact}
	},
	// A scan goes through ports and addresses, and is one incident.
	identity: func(_ fold, _ rule.ID, e *event.Event, chain *process.Chain) []string {
		c := &e.Connection
		program := generalise.Program(chain[0].Exe)
		if c.IsUnix() {
			return []string{c.Direction.String(), foldPath(string(e.Path)), program}
		}
		fields := []string{c.Direction.String(), c.Protocol.String(), peer.EntityOf(c.Peer).String(), program}
		if c.Direction != event.Egress {
			fields = append(fields, strconv.Itoa(int(c.Port)))
		}
		return fields
	},
	sentence: func(_ detector.Deviation, a *Alert, _ *process.Command) string {
		return a.Deviation.Contact.sentence(a.Process.Comm)
	},
	allow: allowContact,
}

func refusedWith(e *event.Event) string {
	if !e.Has(event.FlagRefused) {
		return ""
	}
	return errnoName(e.Errno)
}

// sentence describes the act. The process of an incoming packet is unknown.
func (c *Contact) sentence(comm string) string {
	by := ""
	if comm != "" {
		by = " by " + comm
	}
	if c.Refused != "" {
		by += ", refused with " + c.Refused
	}
	port := fmt.Sprintf("%s port %d", c.Protocol, c.Port)
	if c.Port == 0 {
		port = "protocol " + c.Protocol
	}
	switch {
	case c.Path != "":
		return fmt.Sprintf("connection to %s%s", c.Path, by)
	case c.Direction == event.Listen.String():
		return fmt.Sprintf("listening on %s of %s%s", port, c.Address, by)
	case c.Direction == event.Ingress.String():
		return fmt.Sprintf("connection from %s (%s) to %s%s", c.Address, c.Entity, port, by)
	}
	return fmt.Sprintf("connection to %s (%s), %s%s", c.Address, c.Entity, port, by)
}

// allowContact names the peer as the learner would have, by its entity: the
// address is another one after the next rollout.
func allowContact(e *event.Event, d *Deviation) (profile.Container, bool) {
	c := &e.Connection
	if c.IsUnix() {
		path, ok := literalPath(e)
		return profile.Container{Network: profile.Network{Unix: []string{path}}}, ok
	}
	port := profile.Port{Protocol: d.Contact.Protocol}
	if c.Port != 0 {
		port.Port = strconv.Itoa(int(c.Port))
	}
	ports := []profile.Port{port}
	neighbors := []profile.Neighbor{{Entities: []string{d.Contact.Entity}, Ports: ports}}
	switch c.Direction {
	case event.Egress:
		return profile.Container{Network: profile.Network{Egress: neighbors}}, true
	case event.Ingress:
		return profile.Container{Network: profile.Network{Ingress: neighbors}}, true
	}
	return profile.Container{Network: profile.Network{Listens: ports}}, true
}
