package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bobwatch/internal/catalog"
	"bobwatch/internal/profile"
	"bobwatch/internal/signature"
)

// published is what a catalog was given, and what it holds.
type published struct {
	*catalog.Catalog
	mu    sync.Mutex
	calls []string
}

// documents follows the documents of all namespaces that c does, and takes those
// of the namespaces given without signatures.
func (w *world) documents(t *testing.T, c *Client, namespaces ...string) *published {
	t.Helper()
	return w.documentsAfter(t, c, nil, namespaces...)
}

// documentsAfter is documents of an agent before which another knew some sources.
func (w *world) documentsAfter(t *testing.T, c *Client, known []string, namespaces ...string) *published {
	t.Helper()
	var policy signature.Policy
	for _, namespace := range namespaces {
		policy.Unsigned = append(policy.Unsigned, signature.UnsignedRule{Namespace: namespace, Action: signature.Accept})
	}
	verifier, err := signature.NewVerifier(policy)
	if err != nil {
		t.Fatal(err)
	}
	p := &published{Catalog: catalog.New(catalog.Options{Verifier: verifier, Refused: c.Events().Refused})}
	note := func(call string) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.calls = append(p.calls, call)
	}
	background(t, c.Events().Run)
	background(t, func(ctx context.Context) error {
		return c.WatchDocuments(ctx, known, func(source string, documents []catalog.Document) {
			p.Publish(source, documents)
			note("publish " + source)
		}, func(source string) {
			p.Withdraw(source)
			note("withdraw " + source)
		})
	})
	return p
}

// guards reports whether a document guards the workload of that name.
func (p *published) guards(namespace, name string) bool {
	about := profile.Workload{Namespace: namespace, Kind: "Deployment", Name: name}
	return p.For(catalog.Query{Workload: about, Container: "web", Type: profile.ContainerRegular}).Base
}

func documentFor(name string) string {
	return fmt.Sprintf(`apiVersion: bobwatch/v1alpha1
kind: BillOfBehavior
metadata: {name: %s-bob}
spec:
  workload: {kind: Deployment, name: %s}
  containers:
  - {name: web, syscalls: {amd64: [read]}}
`, name, name)
}

func (w *world) documentMap(t *testing.T, namespace, name, text string) *corev1.ConfigMap {
	t.Helper()
	return get[*corev1.ConfigMap](t)(w.CoreV1().ConfigMaps(namespace).Create(t.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{catalog.Label: catalog.LabelValue}},
		Data:       map[string]string{"web.yaml": text},
	}, metav1.CreateOptions{}))
}

// What an earlier agent knew is withdrawn if it is gone, and only then.
func TestKnownDocuments(t *testing.T) {
	w := newWorld(t)
	namespace := w.namespace(t)
	m := w.documentMap(t, namespace, "stays", documentFor("stays"))
	source := func(name string) string {
		m := catalog.ConfigMap{Namespace: namespace, Name: name}
		return m.Source()
	}
	documents := w.documentsAfter(t, w.client(t, "node1"), []string{source("gone"), source(m.Name)}, namespace)
	eventually(t, "what stays is in force", func() bool { return documents.guards(namespace, "stays") })
	eventually(t, "what is gone is withdrawn", func() bool {
		documents.mu.Lock()
		defer documents.mu.Unlock()
		return slices.Contains(documents.calls, "withdraw "+source("gone"))
	})
	documents.mu.Lock()
	defer documents.mu.Unlock()
	if slices.Contains(documents.calls, "withdraw "+source(m.Name)) {
		t.Errorf("calls %q: what stays was withdrawn", documents.calls)
	}
}

func TestDocuments(t *testing.T) {
	w := newWorld(t)
	namespace, other := w.namespace(t), "default"
	w.documentMap(t, namespace, "before", documentFor("before"))
	c := w.client(t, "node1")
	documents := w.documents(t, c, namespace, other)
	eventually(t, "what was there is in force", func() bool { return documents.guards(namespace, "before") })

	client := w.CoreV1().ConfigMaps(namespace)
	m := w.documentMap(t, namespace, "bob", documentFor("first"))
	eventually(t, "what is new is in force", func() bool { return documents.guards(namespace, "first") })
	if documents.guards(other, "first") {
		t.Error("a document guards in another namespace")
	}
	m.Data["web.yaml"] = documentFor("second")
	m = get[*corev1.ConfigMap](t)(client.Update(t.Context(), m, metav1.UpdateOptions{}))
	eventually(t, "what changed is in force", func() bool {
		return documents.guards(namespace, "second") && !documents.guards(namespace, "first")
	})
	m.Data["web.yaml"] = "kind: BillOfBehavior\nspec: \x1b"
	m = get[*corev1.ConfigMap](t)(client.Update(t.Context(), m, metav1.UpdateOptions{}))
	eventually(t, "the refusal is told", func() bool {
		return len(w.eventsOf(t, namespace, "ConfigMap", "bob", string(m.UID))) == 1
	})
	event := w.eventsOf(t, namespace, "ConfigMap", "bob", string(m.UID))[0]
	if event.Type != "Warning" || event.Reason != reasonRefused || event.Source.Component != Component || event.Source.Host != "node1" {
		t.Errorf("event %+v", event)
	}
	if !documents.guards(namespace, "second") {
		t.Error("the version before does not stay in force")
	}
	delete(m.Labels, catalog.Label)
	m = get[*corev1.ConfigMap](t)(client.Update(t.Context(), m, metav1.UpdateOptions{}))
	eventually(t, "what lost its label is out of force", func() bool { return !documents.guards(namespace, "second") })
	if err := client.Delete(t.Context(), "before", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "what was deleted is out of force", func() bool { return !documents.guards(namespace, "before") })

	source := func(name string) string { return "configmap " + namespace + "/" + name }
	want := []string{
		"publish " + source("before"), "publish " + source("bob"), "publish " + source("bob"), "publish " + source("bob"),
		"withdraw " + source("bob"), "withdraw " + source("before"),
	}
	documents.mu.Lock()
	defer documents.mu.Unlock()
	if diff := cmp.Diff(want, documents.calls); diff != "" {
		t.Errorf("calls: -want +got\n%s", diff)
	}
}

// An outage takes nothing out of force, and what changed in it is noticed.
func TestDocumentsSurviveAnOutage(t *testing.T) {
	w := newWorld(t)
	namespace := w.namespace(t)
	w.documentMap(t, namespace, "stays", documentFor("stays"))
	w.documentMap(t, namespace, "goes", documentFor("goes"))
	documents := w.documents(t, w.client(t, "node1"), namespace)
	eventually(t, "both are in force", func() bool {
		return documents.guards(namespace, "stays") && documents.guards(namespace, "goes")
	})
	if err := w.StopAPIServer(); err != nil {
		t.Fatal(err)
	}
	if !documents.guards(namespace, "stays") {
		t.Error("a document is out of force without an API server")
	}
	if err := w.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.CoreV1().ConfigMaps(namespace).Delete(t.Context(), "goes", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "one is out of force", func() bool { return !documents.guards(namespace, "goes") })
	if !documents.guards(namespace, "stays") {
		t.Error("the other is out of force")
	}
}

func TestNamespacesOfDocuments(t *testing.T) {
	w := newWorld(t)
	namespace := w.namespace(t)
	w.documentMap(t, "default", "outside", documentFor("outside"))
	w.documentMap(t, namespace, "inside", documentFor("inside"))
	documents := w.documents(t, w.client(t, "node1", namespace, "kube-public"), namespace, "kube-public", "default")
	w.documentMap(t, "kube-public", "second", documentFor("second"))
	eventually(t, "both are in force", func() bool {
		return documents.guards(namespace, "inside") && documents.guards("kube-public", "second")
	})
	if documents.guards("default", "outside") {
		t.Error("a document of a namespace that is not configured is in force")
	}
}

// What many nodes tell is one Event.
func TestEventOfManyNodes(t *testing.T) {
	w := newWorld(t)
	namespace := w.namespace(t)
	m := w.documentMap(t, namespace, "bob", "{")
	var clients []*Client
	for i := range 20 {
		c := w.client(t, fmt.Sprintf("node%d", i))
		clients = append(clients, c)
		w.documents(t, c, namespace)
	}
	for _, c := range clients {
		eventually(t, "each has told", func() bool { return testutil.ToFloat64(c.metrics.eventsSent) == 1 })
	}
	if events := w.eventsOf(t, namespace, "ConfigMap", "bob", string(m.UID)); len(events) != 1 {
		t.Errorf("%d events, want 1", len(events))
	}
}
