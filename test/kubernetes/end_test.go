package kubernetes

import (
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestFirstEnd learns a workload that does not end meanwhile, as one that runs
// for longer than it is learned. Its first restart is no attack.
func TestFirstEnd(t *testing.T) {
	l := newLab(t)
	w := l.newWebapp(t, "end")
	w.deploy(t, 1, func(d *appsv1.Deployment) {
		seconds := int64(10) // enough to end in good order
		d.Spec.Template.Spec.TerminationGracePeriodSeconds = &seconds
	})
	w.loadFor(t, learningWindow)
	w.awaitGuarded(t)
	mark := l.alerts.mark()
	w.kubectl(t, "rollout", "restart", "deployment/webapp")
	w.rollout(t)
	w.load(t)
	eventually(t, "end of the first pod", func() error { return w.single(t) })
	l.silent(t, mark, w.namespace)
	w.mustGuard(t, "/usr/bin/nl")
}

// single returns nil when one pod is left, those that end included.
func (w *webapp) single(t *testing.T) error {
	t.Helper()
	list, err := w.client.CoreV1().Pods(w.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app=webapp"})
	if err != nil {
		return err
	}
	if n := len(list.Items); n != 1 {
		return fmt.Errorf("%d pods", n)
	}
	return nil
}
