package sink

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/profile"
	"bobwatch/internal/severity"
)

// The shape of the alerts that Kubescape's node agent writes on stdout, one object a
// line. Fields that bobwatch does not know are there too, empty, so that a reader finds
// every field.
type (
	kubescapeAlert struct {
		Base     kubescapeBase      `json:"BaseRuntimeMetadata"`
		Cloud    *struct{}          `json:"CloudMetadata"`
		RuleID   string             `json:"RuleID"`
		K8s      kubescapeK8s       `json:"RuntimeK8sDetails"`
		Process  kubescapeProcesses `json:"RuntimeProcessDetails"`
		Event    kubescapeEvent     `json:"event"`
		Level    string             `json:"level"`
		Message  string             `json:"message"`
		RuleName string             `json:"msg"`
		Time     string             `json:"time"`
	}
	kubescapeBase struct {
		AlertName string           `json:"alertName"`
		Arguments map[string]any   `json:"arguments"`
		PID       uint32           `json:"infectedPID"`
		Severity  int              `json:"severity"`
		Size      string           `json:"size"`
		MD5       string           `json:"md5Hash"`
		SHA1      string           `json:"sha1Hash"`
		Timestamp time.Time        `json:"timestamp"`
		Trace     struct{}         `json:"trace"`
		UniqueID  string           `json:"uniqueID"`
		Profile   kubescapeProfile `json:"profileMetadata"`
		Fix       string           `json:"fixSuggestions,omitempty"`
	}
	kubescapeProfile struct {
		Status        string `json:"status"`
		Completion    string `json:"completion"`
		Name          string `json:"name"`
		FailOnProfile bool   `json:"failOnProfile"`
		Type          int    `json:"type"`
	}
	kubescapeK8s struct {
		Cluster           string            `json:"clusterName"`
		Container         string            `json:"containerName"`
		HostNetwork       bool              `json:"hostNetwork"`
		Image             string            `json:"image"`
		ImageDigest       string            `json:"imageDigest"`
		Namespace         string            `json:"namespace"`
		Node              string            `json:"nodeName"`
		ContainerID       string            `json:"containerID"`
		Pod               string            `json:"podName"`
		PodNamespace      string            `json:"podNamespace"`
		PodUID            string            `json:"podUID"`
		PodLabels         map[string]string `json:"podLabels"`
		Workload          string            `json:"workloadName"`
		WorkloadNamespace string            `json:"workloadNamespace"`
		WorkloadKind      string            `json:"workloadKind"`
	}
	kubescapeProcesses struct {
		Tree        kubescapeProcess `json:"processTree"`
		ContainerID string           `json:"containerID"`
	}
	kubescapeProcess struct {
		PID        uint32                       `json:"pid"`
		Cmdline    string                       `json:"cmdline"`
		Comm       string                       `json:"comm"`
		PPID       uint32                       `json:"ppid"`
		PComm      string                       `json:"pcomm"`
		Hardlink   string                       `json:"hardlink"`
		UID        uint32                       `json:"uid"`
		GID        uint32                       `json:"gid"`
		StartTime  time.Time                    `json:"startTime"`
		UpperLayer bool                         `json:"upperLayer"`
		Cwd        string                       `json:"cwd"`
		Path       string                       `json:"path"`
		Children   map[string]*kubescapeProcess `json:"childrenMap,omitempty"`
	}
	kubescapeEvent struct {
		Runtime   kubescapeRuntime  `json:"runtime"`
		K8s       kubescapeEventK8s `json:"k8s"`
		Timestamp int64             `json:"timestamp"`
		Type      string            `json:"type"`
	}
	kubescapeRuntime struct {
		Name          string `json:"runtimeName"`
		ContainerID   string `json:"containerId"`
		ContainerName string `json:"containerName"`
		Image         string `json:"containerImageName"`
		ImageDigest   string `json:"containerImageDigest"`
	}
	kubescapeEventK8s struct {
		Node      string            `json:"node"`
		Namespace string            `json:"namespace"`
		Pod       string            `json:"podName"`
		PodLabels map[string]string `json:"podLabels"`
		Container string            `json:"containerName"`
		Owner     struct{}          `json:"owner"`
	}
)

// kubescapeSeverities are Kubescape's numbers.
var kubescapeSeverities = [...]int{severity.Low: 1, severity.Medium: 5, severity.High: 8, severity.Critical: 10}

// unknownGID is the kernel's INVALID_GID: 0 would be root's.
const unknownGID = 1<<32 - 1

// Kubescape returns the Encoder of Kubescape's JSON. cluster is the name that
// alerts carry for the cluster.
func Kubescape(cluster string) alert.Encoder {
	return func(b *bytes.Buffer, a *alert.Alert) error {
		encoder := json.NewEncoder(b)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(kubescapeAlert{
			Base:     kubescapeBaseOf(a),
			RuleID:   a.Rule.String(),
			K8s:      kubescapeK8sOf(a, cluster),
			Process:  kubescapeProcesses{Tree: kubescapeTree(a), ContainerID: a.Container.ID},
			Event:    kubescapeEventOf(a),
			Level:    "error",
			Message:  kubescapeMessage(a),
			RuleName: a.RuleName,
			Time:     a.Last.UTC().Format(time.RFC3339),
		})
	}
}

func kubescapeBaseOf(a *alert.Alert) kubescapeBase {
	base := kubescapeBase{
		AlertName: a.RuleName,
		Arguments: kubescapeArguments(a),
		PID:       a.Process.PID,
		Severity:  kubescapeSeverities[min(a.Severity, severity.Critical)],
		Timestamp: a.Last.UTC(),
		UniqueID:  a.Fingerprint,
		Fix:       a.Allow.String(),
		Profile: kubescapeProfile{
			Status:        "completed",
			Completion:    "partial",
			Name:          strings.ToLower(a.Workload.Kind) + "-" + a.Workload.Name,
			FailOnProfile: true,
		},
	}
	if a.Profile.Completeness == profile.Complete {
		base.Profile.Completion = "complete"
	}
	return base
}

func kubescapeArguments(a *alert.Alert) map[string]any {
	switch d := &a.Deviation; {
	case d.Open != nil:
		return map[string]any{"path": d.Open.Path, "flags": []string{d.Open.Flags}}
	case d.Exec != nil:
		return map[string]any{"exec": d.Exec.Path, "args": append([]string{}, d.Exec.Args...), "retval": 0}
	case d.Syscall != nil:
		return map[string]any{"syscall": syscallName(d.Syscall)}
	}
	return map[string]any{}
}

func syscallName(s *alert.Syscall) string {
	if s.Name != "" {
		return s.Name
	}
	return fmt.Sprint(s.Number)
}

func kubescapeMessage(a *alert.Alert) string {
	switch d := &a.Deviation; {
	case d.Open != nil:
		return fmt.Sprintf("%s: %s with flags %s", a.RuleName, d.Open.Path, d.Open.Flags)
	case d.Exec != nil:
		return fmt.Sprintf("%s: %s", a.RuleName, d.Exec.Path)
	case d.Syscall != nil:
		return fmt.Sprintf("%s: %s", a.RuleName, syscallName(d.Syscall))
	}
	return fmt.Sprintf("%s: %s", a.RuleName, a.Message)
}

func kubescapeK8sOf(a *alert.Alert, cluster string) kubescapeK8s {
	return kubescapeK8s{
		Cluster:           cluster,
		Container:         a.Container.Name,
		Image:             a.Container.Image,
		ImageDigest:       a.Container.Digest,
		Namespace:         a.Workload.Namespace,
		Node:              a.Node,
		ContainerID:       a.Container.ID,
		Pod:               a.Pod.Name,
		PodNamespace:      a.Workload.Namespace,
		PodUID:            a.Pod.UID,
		PodLabels:         map[string]string{},
		Workload:          a.Workload.Name,
		WorkloadNamespace: a.Workload.Namespace,
		WorkloadKind:      a.Workload.Kind,
	}
}

func kubescapeEventOf(a *alert.Alert) kubescapeEvent {
	return kubescapeEvent{
		Runtime: kubescapeRuntime{
			ContainerID: a.Container.ID, ContainerName: a.Container.Name,
			Image: a.Container.Image, ImageDigest: a.Container.Digest,
		},
		K8s: kubescapeEventK8s{
			Node: a.Node, Namespace: a.Workload.Namespace, Pod: a.Pod.Name,
			PodLabels: map[string]string{}, Container: a.Container.Name,
		},
		Timestamp: a.Last.UnixNano(),
		Type:      "normal",
	}
}

// kubescapeTree is the process below its parent. For a system call Kubescape
// shows the process alone.
func kubescapeTree(a *alert.Alert) kubescapeProcess {
	chain := append([]alert.Process{a.Process}, a.Ancestors...)
	self := kubescapeProcessOf(chain)
	if len(chain) == 1 || a.Deviation.Syscall != nil {
		return self
	}
	parent := kubescapeProcessOf(chain[1:])
	// U+241F separates name and pid.
	parent.Children = map[string]*kubescapeProcess{fmt.Sprintf("%s\u241f%d", self.Comm, self.PID): &self}
	return parent
}

// kubescapeProcessOf describes the first of chain, whose parent is the second.
func kubescapeProcessOf(chain []alert.Process) kubescapeProcess {
	p := &chain[0]
	out := kubescapeProcess{
		PID: p.PID, Cmdline: commandLine(p), Comm: p.Comm, Hardlink: p.Exe,
		UID: p.UID, GID: unknownGID, StartTime: p.Start, UpperLayer: p.UpperLayer, Path: p.Exe,
	}
	if len(chain) > 1 {
		out.PPID, out.PComm = chain[1].PID, chain[1].Comm
	}
	return out
}
