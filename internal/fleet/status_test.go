package fleet

import (
	"errors"
	"flag"
	"os"
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

var update = flag.Bool("update", false, "rewrite the golden files")

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
	s := NewStatus(threeNodes(), "")
	s.AddLearned([]metav1.ObjectMeta{{
		Namespace: "shop",
		Name: kubernetes.LearnedName(workload.Key{
			Namespace: "shop", OwnerKind: "Deployment", OwnerName: "webapp", Container: "web", ImageDigest: "sha256:1",
		}),
		Annotations: map[string]string{"bobwatch/new-facts": "17", "bobwatch/reason": "its start was not seen\x1b[2J"},
	}})
	got := Table(terminal, s, testNow)
	golden := filepath.Join("testdata", "status.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if s.Fine() {
		t.Error("all is fine, with an agent that does not answer and a document that is refused")
	}
}

func TestClusterStatusOfNamespace(t *testing.T) {
	s := NewStatus(threeNodes(), "blog")
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
			if got := NewStatus([]cluster.Report{r}, "").Fine(); got != tt.want {
				t.Errorf("fine() = %t, want %t", got, tt.want)
			}
		})
	}
}
