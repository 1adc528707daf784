// Package notice makes alerts about failures of the agent itself: it could not watch
// a container from its start, read all its acts, guard it, or accept a document.
package notice

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/behaviour"
	"bobwatch/internal/catalog"
	"bobwatch/internal/rule"
	"bobwatch/internal/sensor"
	"bobwatch/internal/severity"
)

// About says which container a notice is about.
type About struct {
	Node    string
	Name    string // of the incident, with the rule: the behaviour's
	Subject *alert.Subject
}

// Late reports that a container was not watched for a while.
func Late(about About) alert.Alert {
	return about.alert(rule.WatchedLate, severity.Medium, 1,
		"The start of container %s was not reported by the kernel: what it did before now is not known", about.Subject.Container.ID)
}

// Unwatched reports that a container cannot be watched.
func Unwatched(about About) alert.Alert {
	return about.alert(rule.WatchedLate, severity.High, 1,
		"Container %s is not watched: the kernel's table of cgroups has no room for it until others end", about.Subject.Container.ID)
}

// Held reports that the kernel could not send records of a guarded container. An
// execution is lost; the kernel sends other acts when they are done again.
func Held(about About, held sensor.Held) alert.Alert {
	grade := severity.Medium
	if held.Execs > 0 {
		grade = severity.High
	}
	return about.alert(rule.HeldBack, grade, held.News+held.Execs,
		"Container %s did more than the kernel could send: %d executions are lost, %d other acts are sent when they are done again",
		about.Subject.Container.ID, held.Execs, held.News)
}

// alert returns an alert about a failure of the agent for a container. Alerts of one
// rule and name are one incident.
func (about About) alert(id rule.ID, grade severity.Severity, count uint64, format string, args ...any) alert.Alert {
	digest := sha256.Sum256([]byte(string(id) + "\x00" + about.Name))
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
		Node:        about.Node,
		Subject:     printableSubject(about.Subject),
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

// NoProfile reports that a workload is not guarded although it is to be.
func NoProfile(node string, b *behaviour.Behaviour) alert.Alert {
	digest := sha256.Sum256([]byte("no profile\x00" + b.Name))
	now := time.Now()
	what := "no document in force says what it may do, and nothing was learned"
	if b.Settings.Document != "" {
		what = fmt.Sprintf("no document %s is in force for it", alert.Printable(b.Settings.Document, 256))
	}
	m := &b.Model
	return alert.Alert{
		Fingerprint: hex.EncodeToString(digest[:8]),
		Rule:        rule.NoProfile,
		RuleName:    rule.NoProfile.Name(),
		Severity:    severity.High,
		Message:     fmt.Sprintf("%s is to be guarded and is not: %s", alert.Printable(m.Owner.Kind+" "+m.Owner.Name, 256), what),
		Count:       1,
		First:       now,
		Last:        now,
		Node:        node,
		Subject: alert.Subject{
			Workload: alert.Workload{
				Namespace: alert.Printable(m.Namespace, 256),
				Kind:      alert.Printable(m.Owner.Kind, 256),
				Name:      alert.Printable(m.Owner.Name, 256),
			},
			Container: alert.Container{Name: alert.Printable(m.Name, 256)},
		},
	}
}

// Refused reports that a document has no effect. Somebody may be trying to
// have an agent allow what it should not.
func Refused(node string, r catalog.Refusal) alert.Alert {
	digest := sha256.Sum256([]byte(r.Source + "\x00" + r.Name + "\x00" + string(r.Reason)))
	effect := "it has no effect"
	if r.InForce {
		effect = "the version accepted before stays in force"
	}
	reason := alert.Printable(r.Err.Error(), 1024)
	name := alert.Printable(r.Name, 256)
	return alert.Alert{
		Fingerprint: hex.EncodeToString(digest[:8]),
		Rule:        rule.DocumentRefused,
		RuleName:    rule.DocumentRefused.Name(),
		Severity:    severity.High,
		Message:     fmt.Sprintf("Document %s from %s refused (%s), %s: %s", name, alert.Printable(r.Source, 256), r.Reason, effect, reason),
		Count:       1,
		First:       r.Time,
		Last:        r.Time,
		Node:        node,
		Subject:     alert.Subject{Workload: alert.Workload{Kind: "Document", Name: name}},
	}
}
