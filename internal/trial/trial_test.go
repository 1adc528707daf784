package trial

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/alert"
	"bobwatch/internal/cluster"
	"bobwatch/internal/observe"
	"bobwatch/internal/profile"
	"bobwatch/internal/report"
	"bobwatch/internal/term"
)

func TestOnlyWorkload(t *testing.T) {
	object := func(kind, name string) string {
		return "---\n{apiVersion: v1, kind: " + kind + ", metadata: {name: " + name + "}}\n"
	}
	tests := map[string]struct {
		manifest string
		want     string // empty for an error
	}{
		"a deployment":             {object("Service", "s") + object("Deployment", "web"), "Deployment shop/web"},
		"its client is a pod":      {object("Pod", "client") + object("StatefulSet", "db"), "StatefulSet shop/db"},
		"nothing but a pod":        {object("ConfigMap", "c") + object("Pod", "web"), "Pod shop/web"},
		"in its own namespace":     {"{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: own}}", "Pod own/web"},
		"two deployments":          {object("Deployment", "a") + object("Deployment", "b"), ""},
		"nothing that can be held": {object("ConfigMap", "c"), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			manifest, err := new(cluster.Client).Manifest([]byte(tt.manifest))
			if err != nil {
				t.Fatal(err)
			}
			target, err := onlyWorkload(manifest, "shop")
			got := (&target).Kind + " " + target.Namespace + "/" + target.Name
			var usage term.UsageError
			switch {
			case tt.want == "" && !errors.As(err, &usage):
				t.Errorf("onlyWorkload: got %s, %v, want a usage error", got, err)
			case tt.want != "" && (err != nil || got != tt.want):
				t.Errorf("onlyWorkload: got %s, %v, want %s", got, err, tt.want)
			}
		})
	}
}

// newNodesTrial returns a trial of a Deployment that nodes answer to.
func newNodesTrial() *nodesTrial {
	return &nodesTrial{
		request: nodeTrial{Workload: observe.Workload{Namespace: "shop", Kind: "Deployment", Name: "webapp"}},
		trial:   report.Trial{Workload: alert.Workload{Namespace: "shop", Kind: "Deployment", Name: "webapp"}},
	}
}

// answer is what a node says that watched a container.
func answer(t testing.TB, pod, exec string) string {
	t.Helper()
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	seen := profile.Container{Name: "web", Execs: []profile.Exec{{Path: exec}}}
	trial := report.Trial{
		Observed:  &profile.Profile{Spec: profile.Spec{Workload: profile.Workload{Name: pod}, Containers: []profile.Container{seen}}},
		Instances: []report.Instance{{Pod: pod, Container: "web"}},
	}
	if err := errors.Join(out.Encode(watching{Watching: true}), out.Encode(trial)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What two nodes saw is one trial, whatever they call the workload.
func TestNodesJoin(t *testing.T) {
	n := newNodesTrial()
	ready := 0
	for _, text := range []string{answer(t, "webapp-1", "/bin/a"), answer(t, "webapp-2", "/bin/b")} {
		if err := n.read(strings.NewReader(text), func() { ready++ }); err != nil {
			t.Fatal(err)
		}
	}
	want := []report.Instance{{Pod: "webapp-1", Container: "web"}, {Pod: "webapp-2", Container: "web"}}
	if diff := cmp.Diff(want, n.trial.Instances); diff != "" {
		t.Errorf("instances (-want +got):\n%s", diff)
	}
	if execs := n.trial.Observed.Spec.Containers[0].Execs; ready != 2 || len(execs) != 2 || n.trial.Workload.Name != "webapp" {
		t.Errorf("%d nodes ready, executions %v of %v", ready, execs, n.trial.Workload)
	}
}

func TestNodeThatFails(t *testing.T) {
	whole := answer(t, "webapp-1", "/bin/a")
	for name, text := range map[string]string{
		"nothing":      "",
		"no beginning": "bobctl: it cannot",
		"cut off":      whole[:len(whole)-10],
		"no trial":     `{"watching":true}`,
		"empty trial":  `{"watching":true}{}`,
	} {
		if err := newNodesTrial().read(strings.NewReader(text), func() {}); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

// FuzzNodeAnswer: a node may say anything. It is an error, or makes a report
// that steers nobody's terminal.
func FuzzNodeAnswer(f *testing.F) {
	f.Add([]byte(answer(f, "webapp-1", "/bin/a")))
	f.Add([]byte(`{"watching":true}{"observed":{"spec":{"containers":[{"name":"web","opens":[{"path":"\u001b"}]}]}},` +
		`"incidents":[{"alert":{"rule":"R0001","deviation":{"exec":{"path":"\u202e"}},"container":{"name":"web"}},` +
		`"allowance":{"execs":[{"path":"/x"},{"path":"/y"}]}}],"instances":[{"pod":"\u001b"}],"unwatched":["\u001b"]}`))
	f.Add([]byte(`{"watching":true}{"observed":{},"incidents":[{"alert":{"rule":"BW001"}}]}`))
	document := &profile.Profile{Spec: profile.Spec{Containers: []profile.Container{{Name: "web", Opens: []profile.Open{{Path: "/a"}}}}}}
	f.Fuzz(func(t *testing.T, text []byte) {
		n := newNodesTrial()
		if n.read(bytes.NewReader(text), func() {}) != nil {
			return
		}
		n.trial.Document = document
		r, err := report.New(n.trial)
		if err != nil {
			return
		}
		var table bytes.Buffer
		WriteReport(&term.Terminal{Out: &table, Err: io.Discard}, r, "")
		if err := errors.Join(r.HTML(&table), r.JUnit(&table)); err != nil {
			t.Fatal(err)
		}
		if i := strings.IndexAny(table.String(), "\u202e\x1b\x00"); i >= 0 {
			t.Errorf("something steers the terminal: %q", table.String()[max(0, i-60):i+10])
		}
	})
}
