package main

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bobwatch/internal/cluster"
	"bobwatch/internal/kubernetes"
	"bobwatch/internal/profile"
	"bobwatch/internal/status"
	"bobwatch/internal/term"
	"bobwatch/internal/workload"
)

var testNow = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// threeNodes are the reports of a node that is fine, one that is not, and one
// that does not answer.
func threeNodes() []cluster.Report {
	hooks := []status.Hook{{Name: "handle_exec", Attached: true}, {Name: "handle_open", Attached: true}}
	broken := []status.Hook{{Name: "handle_exec", Attached: true}, {Name: "handle_open"}}
	web := status.Workload{
		Namespace: "shop", Kind: "Deployment", Name: "webapp", Container: "web", Image: "web:1", Digest: "sha256:1",
		State: status.Learning, Observed: 6 * 3600, Window: 24 * 3600, Completeness: profile.Learning,
		Learned:  status.Counts{Syscalls: 77, Execs: 6, Opens: 176},
		LastNews: testNow.Add(-5 * time.Minute), Instances: []status.Instance{{ID: "a"}, {ID: "b"}},
	}
	other := web
	other.Observed, other.Learned.Opens, other.Completeness = 12*3600, 12, profile.Partial
	other.LastNews, other.Instances = testNow.Add(-time.Hour), []status.Instance{{ID: "c"}}
	sealed := other
	sealed.Digest, sealed.State = "sha256:2", status.Guarded
	lagging := sealed
	lagging.State = status.Unguarded
	hostile := status.Workload{Kind: "Container", Name: "x\x1b[31m\nagents", Container: "c", State: status.Off}
	bob := status.Document{Source: "configmap shop/webapp", Name: "webapp", Digest: "sha256:3", InForce: true, Authority: "vendor"}
	old := bob
	old.Refused, old.Reason = "configmap shop/webapp: webapp.yaml: signature does not verify", "signature"
	unsigned := status.Document{Source: "configmap blog/ours", Name: "ours", Refused: "it is not signed", Reason: "unsigned"}
	return []cluster.Report{
		{
			Agent:  cluster.Agent{Namespace: "bobwatch", Pod: "bobwatch-1", Node: "node1"},
			Status: status.Status{Version: "v1", Ready: true, Hooks: hooks, Workloads: []status.Workload{web, sealed, hostile}, Documents: []status.Document{bob, unsigned}},
		},
		{
			Agent:  cluster.Agent{Namespace: "bobwatch", Pod: "bobwatch-2", Node: "node2"},
			Status: status.Status{Version: "v1", NotReady: "handle_open is not attached", Hooks: broken, Workloads: []status.Workload{other, lagging}, Documents: []status.Document{old, unsigned}},
		},
		{
			Agent: cluster.Agent{Namespace: "bobwatch", Pod: "bobwatch-3", Node: "node3"},
			Err:   errors.New("ErrImagePull: not found"),
		},
	}
}

func TestClusterStatus(t *testing.T) {
	terminal := &term.Terminal{}
	s := newClusterStatus(threeNodes(), "")
	s.addLearned([]metav1.ObjectMeta{{
		Namespace: "shop",
		Name: kubernetes.LearnedName(workload.Key{
			Namespace: "shop", OwnerKind: "Deployment", OwnerName: "webapp", Container: "web", ImageDigest: "sha256:1",
		}),
		Annotations: map[string]string{"bobwatch/new-facts": "17", "bobwatch/reason": "its start was not seen\x1b[2J"},
	}})
	got := statusText(terminal, s, testNow)
	golden := filepath.Join("testdata", "golden", "status.txt")
	if *update {
		writeFile(t, golden, got)
	}
	if diff := cmp.Diff(readFile(t, golden), got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if s.fine() {
		t.Error("all is fine, with an agent that does not answer and a document that is refused")
	}
}

func TestClusterStatusOfNamespace(t *testing.T) {
	s := newClusterStatus(threeNodes(), "blog")
	if len(s.Agents) != 3 || len(s.Workloads) != 0 || len(s.Documents) != 1 || s.Documents[0].Name != "ours" {
		t.Errorf("got %+v, want all agents and the document of the namespace", s)
	}
}

func TestFine(t *testing.T) {
	good := threeNodes()[:1]
	good[0].Status.Documents = good[0].Status.Documents[:1]
	tests := map[string]struct {
		change func(r *cluster.Report)
		want   bool
	}{
		"as it should be": {func(*cluster.Report) {}, true},
		"not ready":       {func(r *cluster.Report) { r.Status.Ready = false }, false},
		"no answer":       {func(r *cluster.Report) { r.Err = errors.New("timeout") }, false},
		"refused":         {func(r *cluster.Report) { r.Status.Documents = []status.Document{{Source: "a", Refused: "b"}} }, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := good[0]
			tt.change(&r)
			if got := newClusterStatus([]cluster.Report{r}, "").fine(); got != tt.want {
				t.Errorf("fine() = %t, want %t", got, tt.want)
			}
		})
	}
}

func TestJudge(t *testing.T) {
	version := documentVersion{source: "configmap shop/webapp", name: "webapp", digest: "sha256:new"}
	gone := documentVersion{source: version.source}
	document := func(d status.Document) cluster.Report {
		d.Source = version.source
		return cluster.Report{Status: status.Status{Documents: []status.Document{{Source: "configmap shop/other", Name: "webapp"}, d}}}
	}
	tests := map[string]struct {
		version documentVersion
		report  cluster.Report
		want    opinion
	}{
		"in force":               {version, document(status.Document{Name: "webapp", Digest: "sha256:new", InForce: true}), taken},
		"an older one in force":  {version, document(status.Document{Name: "webapp", Digest: "sha256:old", InForce: true}), pending},
		"refused":                {version, document(status.Document{Name: "webapp", Digest: "sha256:new", Refused: "unsigned"}), refused},
		"refused, older one is":  {version, document(status.Document{Name: "webapp", Digest: "sha256:new", InForce: true, Refused: "unsigned"}), refused},
		"an older one refused":   {version, document(status.Document{Name: "webapp", Digest: "sha256:old", Refused: "unsigned"}), pending},
		"another of the map":     {version, document(status.Document{Name: "other", Digest: "sha256:new", InForce: true}), pending},
		"nothing known":          {version, cluster.Report{}, pending},
		"no answer":              {version, cluster.Report{Err: errors.New("timeout")}, pending},
		"gone":                   {gone, cluster.Report{}, taken},
		"not gone":               {gone, document(status.Document{Name: "webapp", Digest: "sha256:old", InForce: true}), pending},
		"nobody says it is gone": {gone, cluster.Report{Err: errors.New("timeout")}, pending},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := tt.version.judge(&tt.report)
			if got.Opinion != tt.want {
				t.Errorf("judge() = %+v, want %s", got, tt.want)
			}
			if (got.Why == "") != (got.Opinion == taken) {
				t.Errorf("judge() = %+v, want a reason unless it is taken", got)
			}
		})
	}
}
