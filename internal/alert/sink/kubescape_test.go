package sink

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/alert"
	"bobwatch/internal/profile"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

// unknownToUs are fields whose content bobwatch does not have. They are there,
// and of the type, but of another value.
var unknownToUs = []string{
	"BaseRuntimeMetadata.size", "BaseRuntimeMetadata.md5Hash", "BaseRuntimeMetadata.sha1Hash",
	"BaseRuntimeMetadata.profileMetadata.name", // bobwatch's profiles are not of a ReplicaSet
	"RuntimeK8sDetails.podLabels", "event.k8s.podLabels", "event.runtime.runtimeName",
}

// unknownInTree are those of a process.
var unknownInTree = []string{".gid", ".cwd"}

// TestKubescapeHasEveryField raises the alerts that Kubescape once raised, and
// compares what bobwatch writes for them, field by field.
func TestKubescapeHasEveryField(t *testing.T) {
	raw, err := os.ReadFile("testdata/alerts-webapp.json")
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(strings.Lines(string(raw)))
	if len(lines) != 9 {
		t.Fatalf("alerts: got %d, want 9", len(lines))
	}
	for i, line := range lines {
		var want, got map[string]any
		var theirs kubescapeAlert
		for _, into := range []any{&want, &theirs} {
			if err := json.Unmarshal([]byte(line), into); err != nil {
				t.Fatal(err)
			}
		}
		t.Run(fmt.Sprint(i, " ", theirs.RuleID), func(t *testing.T) {
			ours := alertOf(&theirs)
			var b bytes.Buffer
			if err := Kubescape(theirs.K8s.Cluster)(&b, &ours); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			compareFields(t, "", want, got, theirs.RuleID == "R0006")
		})
	}
}

// compareFields fails for what got lacks of want. other says that the alert is
// of a rule that bobwatch reports under another name.
func compareFields(t *testing.T, path string, want, got any, other bool) {
	t.Helper()
	if a, b := fmt.Sprintf("%T", want), fmt.Sprintf("%T", got); a != b {
		t.Errorf("%s: got type %s, want %s", path, b, a)
		return
	}
	fields, isObject := want.(map[string]any)
	if isObject && !strings.HasSuffix(path, "podLabels") {
		for key, value := range fields {
			content, ok := got.(map[string]any)[key]
			if !ok {
				t.Errorf("%s.%s is missing", path, key)
				continue
			}
			compareFields(t, strings.TrimPrefix(path+"."+key, "."), value, content, other)
		}
		return
	}
	named := []string{"BaseRuntimeMetadata.alertName", "RuleID", "message", "msg"}
	inTree := strings.Contains(path, "processTree")
	if slices.Contains(unknownToUs, path) || other && slices.Contains(named, path) ||
		inTree && slices.ContainsFunc(unknownInTree, func(s string) bool { return strings.HasSuffix(path, s) }) {
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// alertOf is what bobwatch would have raised.
func alertOf(k *kubescapeAlert) alert.Alert {
	a := alert.Alert{
		Fingerprint: k.Base.UniqueID,
		Rule:        rule.UnexpectedFileAccess,
		Severity:    severity.Severity(slices.Index(kubescapeSeverities[:], k.Base.Severity)),
		Last:        k.Base.Timestamp,
		Node:        k.Event.K8s.Node,
		Subject: alert.Subject{
			Workload:  alert.Workload{Namespace: k.K8s.WorkloadNamespace, Kind: k.K8s.WorkloadKind, Name: k.K8s.Workload},
			Pod:       alert.Pod{Name: k.K8s.Pod},
			Container: alert.Container{ID: k.K8s.ContainerID, Name: k.K8s.Container, Image: k.K8s.Image, Digest: k.K8s.ImageDigest},
			Profile:   alert.Profile{Completeness: profile.Complete},
		},
	}
	arguments := k.Base.Arguments
	text := func(key string) string { s, _ := arguments[key].(string); return s }
	tree := k.Process.Tree
	process := tree
	for _, child := range tree.Children {
		process = *child
		a.Ancestors = append(a.Ancestors, processOf(&tree))
	}
	switch {
	case arguments["syscall"] != nil:
		a.Rule = rule.UnexpectedSyscall
		a.Deviation.Syscall = &alert.Syscall{Name: text("syscall")}
	case arguments["exec"] != nil:
		a.Rule = rule.UnexpectedProcess
		exec := &alert.Exec{Path: text("exec")}
		for _, arg := range arguments["args"].([]any) {
			exec.Args = append(exec.Args, arg.(string))
		}
		a.Deviation.Exec = exec
	default:
		a.Deviation.Open = &alert.Open{Path: text("path"), Flags: arguments["flags"].([]any)[0].(string)}
	}
	a.RuleName = a.Rule.Name()
	a.Process = processOf(&process)
	a.Ancestors = append(a.Ancestors, alert.Process{PID: tree.PPID, Comm: tree.PComm})
	return a
}

func processOf(p *kubescapeProcess) alert.Process {
	return alert.Process{
		PID: p.PID, Comm: p.Comm, UID: p.UID, Exe: p.Path, Start: p.StartTime, UpperLayer: p.UpperLayer,
		Args: strings.Split(p.Cmdline, " "),
	}
}
