package detector

import (
	"bobwatch/internal/event"
	"bobwatch/internal/peer"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

func checkContact(e *event.Event, m *match.Matcher) (Deviation, bool) {
	verdict := m.Contact(&e.Connection, e.Path)
	if verdict == match.Allowed {
		return Deviation{}, false
	}
	broken, grade := gradeContact(&e.Connection)
	if e.Has(event.FlagRefused) {
		grade = lower(grade) // tried, but nobody answered
	}
	return Deviation{Rule: broken, Severity: grade, Verdict: verdict, Event: e}, true
}

// gradeContact grades an unexpected connection by its direction and by how far
// it leads.
func gradeContact(c *event.Connection) (rule.ID, severity.Severity) {
	switch {
	case c.IsUnix():
		return rule.UnexpectedControl, severity.Critical // the node's services act with the rights of the node
	case c.Direction == event.Listen:
		return rule.UnexpectedListener, severity.High // a door that was not there
	case c.Direction == event.Ingress:
		return rule.UnexpectedIngress, severity.Low // the peer's act more than the workload's
	}
	if peer.EntityOf(c.Peer) == peer.Metadata {
		return rule.UnexpectedEgress, severity.High // credentials are handed out there
	}
	return rule.UnexpectedEgress, severity.Medium
}

func checkSocket(e *event.Event, m *match.Matcher) (Deviation, bool) {
	socket := e.Connection.Socket()
	verdict := m.Socket(socket)
	if verdict == match.Allowed {
		return Deviation{}, false
	}
	grade := gradeSocket(socket)
	if e.Has(event.FlagRefused) {
		grade = lower(grade)
	}
	return Deviation{Rule: rule.UnexpectedSocket, Severity: grade, Verdict: verdict, Event: e}, true
}

// familyNetlink is used by every program that looks up a name or its addresses.
const familyNetlink = 16

// Families by which a program reaches past the network that it was given.
const (
	familyKey   = 15
	familyALG   = 38
	familyVsock = 40
	familyXDP   = 44
)

func gradeSocket(s event.Socket) severity.Severity {
	switch s.Family {
	case event.FamilyPacket, familyXDP, familyKey, familyALG, familyVsock:
		return severity.High // it sniffs, forges, talks to the host of the machine, or exploits
	case event.FamilyUnix, event.FamilyIPv4, event.FamilyIPv6, familyNetlink:
		if s.Raw {
			return severity.High
		}
		return severity.Low // what it is used for is judged too
	}
	return severity.Medium
}
