package sink

import (
	"bytes"
	"encoding/json"
	"strings"

	"bobwatch/internal/alert"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

// The ids of a Detection Finding in the Open Cybersecurity Schema Framework, as of
// version 1.3.0: https://schema.ocsf.io/1.3.0/classes/detection_finding
const (
	ocsfVersion  = "1.3.0"
	ocsfCategory = 2    // Findings
	ocsfClass    = 2004 // Detection Finding
	ocsfCreate   = 1    // the activity of a first finding
	ocsfUpdate   = 2
	ocsfNew      = 1 // the status
	ocsfUnknown  = 0 // the type of a device
)

// ocsfSeverities are OCSF's ids of our severities.
var ocsfSeverities = [...]int{severity.Low: 2, severity.Medium: 3, severity.High: 4, severity.Critical: 5}

type ocsfFinding struct {
	ActivityID  int              `json:"activity_id"`
	CategoryUID int              `json:"category_uid"`
	ClassUID    int              `json:"class_uid"`
	TypeUID     int              `json:"type_uid"`
	SeverityID  int              `json:"severity_id"`
	StatusID    int              `json:"status_id"`
	Count       uint64           `json:"count"`
	Time        int64            `json:"time"`
	StartTime   int64            `json:"start_time"`
	EndTime     int64            `json:"end_time"`
	Message     string           `json:"message"`
	Metadata    ocsfMetadata     `json:"metadata"`
	FindingInfo ocsfInfo         `json:"finding_info"`
	Device      *ocsfDevice      `json:"device,omitempty"`
	Resources   []ocsfResource   `json:"resources,omitempty"`
	Evidences   []map[string]any `json:"evidences,omitempty"`
	Unmapped    map[string]any   `json:"unmapped,omitempty"`
}

type ocsfMetadata struct {
	Version  string            `json:"version"`
	Profiles []string          `json:"profiles"`
	Product  map[string]string `json:"product"`
	// CorrelationUID is the incident.
	CorrelationUID string `json:"correlation_uid,omitempty"`
}

type ocsfInfo struct {
	UID       string           `json:"uid"`
	Title     string           `json:"title"`
	Desc      string           `json:"desc"`
	Types     []string         `json:"types"`
	FirstSeen int64            `json:"first_seen_time"`
	LastSeen  int64            `json:"last_seen_time"`
	Analytic  map[string]any   `json:"analytic"`
	Attacks   []map[string]any `json:"attacks,omitempty"`
}

type ocsfDevice struct {
	Hostname string `json:"hostname"`
	TypeID   int    `json:"type_id"`
}

type ocsfResource struct {
	Type      string `json:"type"`
	UID       string `json:"uid,omitempty"`
	Name      string `json:"name,omitempty"`
	Namespace string `json:"namespace,omitempty"`
}

// OCSF is the Encoder of Detection Findings of the Open Cybersecurity Schema
// Framework. Values for which the framework has no field are in "unmapped".
func OCSF(b *bytes.Buffer, a *alert.Alert) error {
	activity := ocsfCreate
	if a.Count > 1 {
		activity = ocsfUpdate
	}
	first, last := a.First.UnixMilli(), a.Last.UnixMilli()
	finding := ocsfFinding{
		ActivityID: activity, CategoryUID: ocsfCategory, ClassUID: ocsfClass, TypeUID: ocsfClass*100 + activity,
		SeverityID: ocsfSeverities[min(a.Severity, severity.Critical)], StatusID: ocsfNew,
		Count: a.Count, Time: last, StartTime: first, EndTime: last, Message: a.Message,
		Metadata: ocsfMetadata{
			Version: ocsfVersion, Profiles: []string{"container", "host"},
			Product: map[string]string{"name": "bobwatch", "vendor_name": "bobwatch"}, CorrelationUID: a.Incident,
		},
		FindingInfo: ocsfInfo{
			UID: a.ID, Title: a.RuleName, Desc: a.Message, Types: []string{a.Rule.String()}, FirstSeen: first, LastSeen: last,
			Analytic: map[string]any{"uid": a.Rule.String(), "name": a.RuleName, "type_id": 1, "type": "Rule"},
			Attacks:  ocsfAttacks(a),
		},
		Resources: ocsfResources(a),
		Evidences: ocsfEvidences(a),
		Unmapped:  map[string]any{"fingerprint": a.Fingerprint, "deviation": a.Deviation},
	}
	if a.Node != "" {
		finding.Device = &ocsfDevice{a.Node, ocsfUnknown}
	}
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(finding)
}

// ocsfAttacks are the techniques of the rules that the act breaks.
func ocsfAttacks(a *alert.Alert) (attacks []map[string]any) {
	for _, id := range append([]rule.ID{a.Rule}, a.Also...) {
		r, ok := rule.Lookup(id)
		if !ok || r.Technique == "" {
			continue
		}
		attacks = append(attacks, map[string]any{
			"technique": map[string]string{"uid": r.Technique}, "tactics": []map[string]string{{"uid": r.Tactic}},
		})
	}
	return attacks
}

func ocsfResources(a *alert.Alert) (resources []ocsfResource) {
	if a.Workload.Name != "" {
		resources = append(resources, ocsfResource{Type: a.Workload.Kind, Name: a.Workload.Name, Namespace: a.Workload.Namespace})
	}
	if a.Pod.Name != "" {
		resources = append(resources, ocsfResource{Type: "Pod", UID: a.Pod.UID, Name: a.Pod.Name, Namespace: a.Workload.Namespace})
	}
	if a.Container.ID != "" {
		resources = append(resources, ocsfResource{Type: "Container", UID: a.Container.ID, Name: a.Container.Name, Namespace: a.Workload.Namespace})
	}
	return resources
}

// ocsfEvidences is the process with its ancestors, and the file or peer.
func ocsfEvidences(a *alert.Alert) []map[string]any {
	evidence := map[string]any{}
	if a.Process.PID != 0 {
		process := ocsfProcess(&a.Process)
		under := process
		for i := range a.Ancestors {
			parent := ocsfProcess(&a.Ancestors[i])
			under["parent_process"] = parent
			under = parent
		}
		evidence["process"] = process
	}
	switch d := &a.Deviation; {
	case d.Open != nil:
		evidence["file"] = ocsfFile(d.Open.Path)
	case d.Exec != nil:
		evidence["file"] = ocsfFile(d.Exec.Path)
	case d.Contact != nil && d.Contact.Address != "":
		evidence["dst_endpoint"] = map[string]any{"ip": d.Contact.Address, "port": d.Contact.Port}
	}
	if len(evidence) == 0 {
		return nil
	}
	return []map[string]any{evidence}
}

func ocsfFile(path string) map[string]any {
	return map[string]any{"path": path, "name": path[strings.LastIndexByte(path, '/')+1:], "type_id": 1} // a regular file
}

func ocsfProcess(p *alert.Process) map[string]any {
	process := map[string]any{
		"pid": p.PID, "name": p.Comm, "created_time": p.Start.UnixMilli(), "user": map[string]any{"uid": p.UID},
	}
	if line := commandLine(p); line != "" {
		process["cmd_line"] = line
	}
	if p.Exe != "" {
		process["file"] = ocsfFile(p.Exe)
	}
	return process
}
