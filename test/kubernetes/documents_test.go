package kubernetes

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bobwatch/internal/profile/documents"

	appsv1 "k8s.io/api/apps/v1"

	corev1 "k8s.io/api/core/v1"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bobwatch/internal/profile"
)

// document is where the customer puts what the vendor has signed.
const document = "webapp-bob"

// TestDocument guards a Deployment that was never learned by a document of its
// vendor, from the first system call on. A document that somebody has changed
// is refused: the one before stays, and an Event says so.
func TestDocument(t *testing.T) {
	l := newLab(t)
	signed := l.vendorDocument(t)
	w := l.newWebapp(t, "customer")
	w.install(t, signed)
	mark := l.alerts.mark()
	w.deploy(t, 1, withoutWindow)
	w.load(t)
	l.silent(t, mark, w.namespace)
	w.mustGuard(t, "/usr/bin/nl")

	w.tamper(t, "/usr/bin/tac")
	eventually(t, "event of the refused document", func() error { return w.refusal(t) })
	if out := w.kubectl(t, "describe", "configmap", document); !strings.Contains(out, "DocumentRefused") {
		t.Errorf("kubectl describe does not show why:\n%s", out)
	}
	w.mustGuard(t, "/usr/bin/tac") // also against what was slipped in
	mark = l.alerts.mark()
	w.kubectl(t, "rollout", "restart", "deployment/webapp")
	w.rollout(t)
	w.load(t)
	l.silent(t, mark, w.namespace)
}

// TestFirstCommand wants the first program of a container told that is not the
// document's.
func TestFirstCommand(t *testing.T) {
	l := newLab(t)
	signed := l.vendorDocument(t)
	w := l.newWebapp(t, "first")
	w.install(t, signed)
	mark := l.alerts.mark()
	w.deploy(t, 1, func(d *appsv1.Deployment) {
		withoutWindow(d)
		d.Spec.Template.Spec.Containers[0].Command = []string{"/usr/bin/env", "/entrypoint.sh"}
	})
	p := w.pods(t)[0]
	names(t, p, l.alerts.await(t, mark, "first program", executed(p.Name, "/usr/bin/env")))
}

// vendorDocument returns the path of a document that the vendor has learned of
// the application on a cluster of their own, and signed.
func (l *lab) vendorDocument(t *testing.T) string {
	t.Helper()
	path := filepath.Join(l.dir, "webapp.yaml")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	w := l.newWebapp(t, "vendor")
	w.deploy(t, 2, nil)
	w.learn(t)
	documents, err := documents.Parse(path, []byte(w.record(t).Data["profile.yaml"]))
	if err != nil {
		t.Fatal(err)
	}
	bill := documents[0]
	bill.Spec.Workload.Namespace = "" // whatever the customer calls it
	text, err := profile.Marshal(bill)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := l.run(t.Context(), l.bobctl, "sign", path, "--key", filepath.Join(l.dir, "vendor.key")); err != nil {
		t.Fatal(err)
	}
	return path
}

// mustGuard has each replica execute a program, and wants it told.
func (w *webapp) mustGuard(t *testing.T, program string) {
	t.Helper()
	for _, p := range w.pods(t) {
		mark := w.alerts.mark()
		w.inject(t, p, program+" /etc/passwd")
		names(t, p, w.alerts.await(t, mark, "injected command", executed(p.Name, program)))
	}
	w.markAll(t) // the rest of what the attacks caused
}

// tamper lets the document in force allow one more program, without the vendor.
func (w *webapp) tamper(t *testing.T, program string) {
	t.Helper()
	maps := w.client.CoreV1().ConfigMaps(w.namespace)
	m, err := maps.Get(t.Context(), document, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	key := document + ".yaml"
	after := strings.Replace(m.Data[key], "execs:\n", "execs:\n    - path: "+program+"\n", 1)
	if after == m.Data[key] {
		t.Fatalf("%s has no executions: %s", key, after)
	}
	m.Data[key] = after
	if _, err := maps.Update(t.Context(), m, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// refusal returns nil if an Event on the document says that it was refused
// because of its signature, and that the one before stays.
func (w *webapp) refusal(t *testing.T) error {
	t.Helper()
	events, err := w.client.CoreV1().Events(w.namespace).List(t.Context(), metav1.ListOptions{
		FieldSelector: "involvedObject.kind=ConfigMap,reason=DocumentRefused,involvedObject.name=" + document,
	})
	if err != nil {
		return err
	}
	for _, e := range events.Items {
		if e.Type == corev1.EventTypeWarning && strings.Contains(e.Message, "(signature)") && strings.Contains(e.Message, "stays in force") {
			t.Log(e.Message)
			return nil
		}
	}
	return fmt.Errorf("none of %d says so", len(events.Items))
}

func withoutWindow(d *appsv1.Deployment) { delete(d.Spec.Template.Annotations, "bobwatch/window") }
