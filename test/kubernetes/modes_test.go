package kubernetes

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bobwatch/internal/alert"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
	"bobwatch/internal/status"
	"bobwatch/internal/testenv"
	"bobwatch/test/workloads"
)

// TestModes lets the pods of a Deployment choose how they are treated, while
// they run: to be guarded without a document is an alert and no silence, what is
// switched off is left alone, and a document that is pinned is the only one.
func TestModes(t *testing.T) {
	l := newLab(t)
	signed := l.vendorDocument(t)
	w := l.newWebapp(t, "modes")
	mark := l.alerts.mark()
	w.deploy(t, 1, func(d *appsv1.Deployment) {
		withoutWindow(d)
		d.Spec.Template.Annotations["bobwatch/mode"] = "guard"
	})
	l.alerts.await(t, mark, "guarded without a document", w.unguarded("nothing was learned"))
	w.awaitState(t, status.Unguarded)

	w.annotate(t, "bobwatch/mode=off")
	w.awaitState(t, status.Off)
	w.install(t, signed)
	mark = l.alerts.mark()
	w.inject(t, w.pods(t)[0], "/usr/bin/nl /etc/passwd")
	l.silent(t, mark, w.namespace)

	w.annotate(t, "bobwatch/mode=guard")
	w.awaitState(t, status.Guarded)
	w.load(t)
	l.silent(t, mark, w.namespace)
	w.mustGuard(t, "/usr/bin/tac")

	mark = l.alerts.mark()
	w.annotate(t, "bobwatch/bob=another")
	l.alerts.await(t, mark, "pinned to a document that is not there", w.unguarded("no document another"))
	w.annotate(t, "bobwatch/bob=webapp")
	w.awaitState(t, status.Guarded)
	w.mustGuard(t, "/usr/bin/nl")
}

// TestNewImage rolls a new image out over one that is guarded. It starts from
// the profile of the one before, tells what is new as low, and guards in turn.
func TestNewImage(t *testing.T) {
	l := newLab(t)
	base, err := testenv.Debian(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	next := workloads.Webapp(base).Image
	next.Ref = strings.Replace(next.Ref, ":1", ":2", 1)
	next.Files = append(slices.Clone(next.Files), testenv.File{Path: "/release", Data: []byte("2\n")})
	if err := l.Load(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	w := l.newWebapp(t, "release")
	w.deploy(t, 1, nil)
	w.learn(t)
	before := w.record(t).Name

	mark := l.alerts.mark()
	w.kubectl(t, "set", "image", "deployment/webapp", "web="+next.Ref)
	w.rollout(t)
	w.load(t)
	l.silent(t, mark, w.namespace)
	p := w.pods(t)[0]
	w.inject(t, p, "/usr/bin/id")
	told := l.alerts.await(t, mark, "what is new", executed(p.Name, "/usr/bin/id"))
	if !told.New || told.Severity != severity.Low {
		t.Errorf("new %t, severity %s; want a new act, low", told.New, told.Severity)
	}
	w.loadFor(t, learningWindow/2)
	w.awaitState(t, status.Guarded)
	eventually(t, "profile of the new image", func() error { return w.follows(t, before) })
	mark = l.alerts.mark()
	w.load(t)
	w.inject(t, p, "/usr/bin/id")
	l.silent(t, mark, w.namespace)
	w.inject(t, p, "/usr/bin/nl /etc/passwd")
	if told := l.alerts.await(t, mark, "attack", executed(p.Name, "/usr/bin/nl")); told.New {
		t.Error("an attack on a guarded image is told as new")
	}
}

// follows returns nil if there is a guarded profile that began with another.
func (w *webapp) follows(t *testing.T, before string) error {
	t.Helper()
	maps, err := w.client.CoreV1().ConfigMaps(release).List(t.Context(), metav1.ListOptions{
		LabelSelector: "bobwatch/learned=true,bobwatch/workload-namespace=" + w.namespace,
	})
	if err != nil {
		return err
	}
	if slices.ContainsFunc(maps.Items, func(m corev1.ConfigMap) bool {
		return m.Annotations["bobwatch/predecessor"] == before && m.Annotations["bobwatch/state"] == "guarded"
	}) {
		return nil
	}
	return fmt.Errorf("none of %d follows %s", len(maps.Items), before)
}

// annotate changes what the pods that run choose.
func (w *webapp) annotate(t *testing.T, annotation string) {
	t.Helper()
	w.kubectl(t, "annotate", "pods", "--selector", "app=webapp", "--overwrite", annotation)
}

// awaitState waits until the agents of all replicas say that they are in a state.
func (w *webapp) awaitState(t *testing.T, want status.State) {
	t.Helper()
	eventually(t, string(want), func() error {
		found := 0
		for _, n := range w.Nodes {
			for _, known := range w.agentOn(t, n.Name).status(t).Workloads {
				if known.Namespace != w.namespace {
					continue
				}
				found++
				if known.State != want {
					return fmt.Errorf("%s on %s is %s", known.Name, n.Name, known.State)
				}
			}
		}
		if found == 0 {
			return fmt.Errorf("no agent knows the workload")
		}
		return nil
	})
}

// unguarded matches the alert that the workload is not guarded, and why.
func (w *webapp) unguarded(why string) func(*alert.Alert) bool {
	return func(a *alert.Alert) bool {
		return a.Rule == rule.NoProfile && a.Workload.Namespace == w.namespace && strings.Contains(a.Message, why)
	}
}
