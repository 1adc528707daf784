package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"bobwatch/internal/alert"
	"bobwatch/internal/catalog"
	"bobwatch/internal/detector"
	"bobwatch/internal/severity"
)

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
		Rule:        detector.DocumentRefused,
		RuleName:    detector.DocumentRefused.Name(),
		Severity:    severity.High,
		Message:     fmt.Sprintf("Document %s from %s refused (%s), %s: %s", name, alert.Printable(r.Source, 256), r.Reason, effect, reason),
		Count:       1,
		First:       r.Time,
		Last:        r.Time,
		Node:        node,
		Subject:     alert.Subject{Workload: alert.Workload{Kind: "Document", Name: name}},
	}
}
