package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"bobwatch/internal/agent/apiserver"
	"bobwatch/internal/alert"
	"bobwatch/internal/rule"
	"bobwatch/internal/sensor"
	"bobwatch/internal/severity"
)

// lateAlert reports that a container was not watched for a while.
func lateAlert(node string, in *instance) alert.Alert {
	return ownAlert(node, in.behaviour.Name, &in.subject, rule.WatchedLate, severity.Medium, 1,
		"The start of container %s was not reported by the kernel: what it did before now is not known", in.Container.ID)
}

// unwatchedAlert reports that a container cannot be watched.
func unwatchedAlert(node string, n *apiserver.Newcomer) alert.Alert {
	subject := subjectOf(n)
	return ownAlert(node, n.ID, &subject, rule.WatchedLate, severity.High, 1,
		"Container %s is not watched: the kernel's table of cgroups has no room for it until others end", n.ID)
}

// heldAlert reports what the kernel could not send of a guarded container. An
// execution is lost; other acts are sent when they are done again.
func heldAlert(node string, in *instance, held sensor.Held) alert.Alert {
	grade := severity.Medium
	if held.Execs > 0 {
		grade = severity.High
	}
	return ownAlert(node, in.behaviour.Name, &in.subject, rule.HeldBack, grade, held.News+held.Execs,
		"Container %s did more than the kernel could send: %d executions are lost, %d other acts are sent when they are done again",
		in.Container.ID, held.Execs, held.News)
}

// ownAlert is about what the agent could not do for a container. Alerts of one
// rule and name are one incident.
func ownAlert(node, name string, subject *alert.Subject, id rule.ID, grade severity.Severity, count uint64, format string, args ...any) alert.Alert {
	digest := sha256.Sum256([]byte(string(id) + "\x00" + name))
	now := time.Now()
	return alert.Alert{
		Fingerprint: hex.EncodeToString(digest[:8]),
		Rule:        id,
		RuleName:    id.Name(),
		Severity:    grade,
		Message:     alert.Printable(fmt.Sprintf(format, args...), 512),
		Count:       count,
		First:       now,
		Last:        now,
		Node:        node,
		Subject:     printableSubject(subject),
	}
}

// printableSubject is the subject of an alert that no alert.Builder makes.
func printableSubject(s *alert.Subject) alert.Subject {
	p := *s
	for _, text := range []*string{
		&p.Workload.Namespace, &p.Workload.Kind, &p.Workload.Name, &p.Pod.Name, &p.Pod.UID,
		&p.Container.ID, &p.Container.Name, &p.Container.Image, &p.Container.Digest,
	} {
		*text = alert.Printable(*text, 512)
	}
	return p
}
