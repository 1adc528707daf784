package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/catalog"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

// tell reports something about the agent itself, or about a workload that
// nothing is known of. It is counted with the workloads that have no series of
// their own. It is safe for concurrent use.
func (e *engine) tell(a alert.Alert) {
	e.workloads.accounts.Shared().Raise(e.alerts, a)
}

// noProfileAlert tells that a workload is not guarded although it is to be.
func noProfileAlert(node string, b *entry) alert.Alert {
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

// refusalAlert tells that a document has no effect. Somebody may be trying to
// have an agent allow what it should not.
func refusalAlert(node string, r catalog.Refusal) alert.Alert {
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
