package kubernetes

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bobwatch/internal/alert"
	"bobwatch/internal/rule"
)

// markers counts the pods that were made to be reported.
var markers int

// silent fails the test for each alert after a mark about a namespace. It first
// has the agent of each node report a pod: an agent reports in the order of what
// happens, so an alert of before would be here.
func (l *lab) silent(t *testing.T, mark int, namespace string) {
	t.Helper()
	l.markAll(t)
	l.noAlerts(t, mark, namespace)
}

// noAlerts fails the test for each alert after a mark about a namespace.
func (l *lab) noAlerts(t *testing.T, mark int, namespace string) {
	t.Helper()
	for _, s := range l.alerts.since(mark, namespace) {
		t.Errorf("alert without an attack: %s: %s %s", s.Pod.Name, s.Rule, s.Message)
	}
}

// markAll waits until the agent of each node has reported all before this call.
func (l *lab) markAll(t *testing.T) {
	t.Helper()
	for _, n := range l.Nodes {
		markers++
		l.markNode(t, n.Name, fmt.Sprintf("marker-%d", markers))
	}
}

// markNode runs a pod that asks for guarding though nothing says what it does.
func (l *lab) markNode(t *testing.T, node, name string) {
	t.Helper()
	pods := l.client.CoreV1().Pods(metav1.NamespaceDefault)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"bobwatch/mode": "guard"}},
		Spec: corev1.PodSpec{
			NodeName:                      node,
			TerminationGracePeriodSeconds: new(int64),
			Containers:                    []corev1.Container{{Name: "marker", Image: "localhost/webapp:1", Command: []string{"sleep", "infinity"}}},
		},
	}
	before := l.alerts.mark()
	if _, err := pods.Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := pods.Delete(context.Background(), name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}()
	l.alerts.await(t, before, "marker on "+node, func(a *alert.Alert) bool {
		return a.Rule == rule.NoProfile && a.Workload.Name == name
	})
}
