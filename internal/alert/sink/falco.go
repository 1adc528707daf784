package sink

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

// falcoPriorities are Falco's names for our severities.
var falcoPriorities = [...]string{
	severity.Low:      "Notice",
	severity.Medium:   "Warning",
	severity.High:     "Error",
	severity.Critical: "Critical",
}

// falcoEvent is what Falco writes with json_output, and falcosidekick reads.
type falcoEvent struct {
	Hostname     string         `json:"hostname"`
	Output       string         `json:"output"`
	OutputFields map[string]any `json:"output_fields"`
	Priority     string         `json:"priority"`
	Rule         string         `json:"rule"`
	Source       string         `json:"source"`
	Tags         []string       `json:"tags"`
	Time         time.Time      `json:"time"`
}

// Falco is the Encoder of Falco's JSON. Fields are those of Falco of the same
// meaning; ours that it has none for begin with "bob.".
func Falco(b *bytes.Buffer, a *alert.Alert) error {
	priority := falcoPriorities[min(a.Severity, severity.Critical)]
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(falcoEvent{
		Hostname:     a.Node,
		Output:       fmt.Sprintf("%s: %s %s", a.Last.UTC().Format("15:04:05.000000000"), priority, a.Message),
		OutputFields: falcoFields(a),
		Priority:     priority,
		Rule:         a.RuleName,
		Source:       "syscall",
		Tags:         falcoTags(a.Rule),
		Time:         a.Last.UTC(),
	})
}

// falcoTactics are Falco's tags of ATT&CK's tactics.
var falcoTactics = map[string]string{
	"TA0001": "mitre_initial_access", "TA0002": "mitre_execution", "TA0003": "mitre_persistence",
	"TA0004": "mitre_privilege_escalation", "TA0005": "mitre_defense_evasion", "TA0006": "mitre_credential_access",
	"TA0007": "mitre_discovery", "TA0008": "mitre_lateral_movement", "TA0009": "mitre_collection",
	"TA0010": "mitre_exfiltration", "TA0011": "mitre_command_and_control", "TA0040": "mitre_impact",
}

// falcoTags are the rule and, as in Falco's own rules, its tactic and technique.
func falcoTags(id rule.ID) []string {
	tags := []string{"bobwatch", id.String()}
	r, _ := rule.Lookup(id)
	if tactic := falcoTactics[r.Tactic]; tactic != "" {
		tags = append(tags, tactic)
	}
	if r.Technique != "" {
		tags = append(tags, r.Technique)
	}
	return tags
}

// falcoFields leaves out unknown values, as consumers of Falco's format expect.
func falcoFields(a *alert.Alert) map[string]any {
	fields := map[string]any{"evt.time": a.Last.UnixNano(), "bob.count": a.Count, "bob.fingerprint": a.Fingerprint}
	set := func(name, value string) {
		if value != "" {
			fields[name] = value
		}
	}
	set("k8s.ns.name", a.Workload.Namespace)
	set("k8s.pod.name", a.Pod.Name)
	set("k8s.pod.uid", a.Pod.UID)
	set("bob.workload.kind", a.Workload.Kind)
	set("bob.workload.name", a.Workload.Name)
	set("container.id", a.Container.ID)
	set("container.name", a.Container.Name)
	set("container.image", a.Container.Image)
	set("container.image.digest", a.Container.Digest)
	set("bob.allow", a.Allow.String())
	switch d := &a.Deviation; {
	case d.Open != nil:
		set("fd.name", d.Open.Path)
		set("evt.type", "open")
		set("bob.open.flags", d.Open.Flags)
	case d.Exec != nil:
		set("evt.type", "execve")
	case d.Syscall != nil:
		set("evt.type", d.Syscall.Name)
	}
	if a.Process.PID == 0 {
		return fields
	}
	fields["proc.pid"], fields["user.uid"] = a.Process.PID, a.Process.UID
	set("proc.name", a.Process.Comm)
	set("proc.exepath", a.Process.Exe)
	set("proc.cmdline", commandLine(&a.Process))
	if len(a.Ancestors) > 0 {
		fields["proc.ppid"] = a.Ancestors[0].PID
		set("proc.pname", a.Ancestors[0].Comm)
		set("proc.pcmdline", commandLine(&a.Ancestors[0]))
	}
	return fields
}
