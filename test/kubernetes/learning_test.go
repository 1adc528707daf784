package kubernetes

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bobwatch/internal/status"
)

// TestLearning learns a Deployment over two replicas on two nodes, into one
// ConfigMap. What either has done is known on both nodes afterwards; every
// attack is told and nothing else is, through a restart and on a third replica.
func TestLearning(t *testing.T) {
	l := newLab(t)
	w := l.newWebapp(t, "shop")
	mark := l.alerts.mark()
	w.deploy(t, 2, nil)
	programs := []string{"/usr/bin/id", "/usr/bin/uname"}
	for i, p := range w.pods(t) {
		w.inject(t, p, programs[i])
	}
	w.learn(t)
	pods := w.pods(t)
	for i, p := range pods {
		if err := w.executes(t, programs[i]); err != nil {
			t.Errorf("learned profile: %v", err)
		}
		w.inject(t, p, programs[0])
		w.inject(t, p, programs[1])
	}
	w.load(t)
	l.silent(t, mark, w.namespace)

	if pods[0].Spec.NodeName == pods[1].Spec.NodeName {
		t.Fatalf("both replicas run on %s", pods[0].Spec.NodeName)
	}
	for _, p := range pods {
		mark := l.alerts.mark()
		w.kubectl(t, "exec", p.Name, "--", "ls", "/")
		names(t, p, l.alerts.await(t, mark, "kubectl exec ls", executed(p.Name, "/usr/bin/ls")))
		w.inject(t, p, "cat /etc/passwd")
		names(t, p, l.alerts.await(t, mark, "injected cat", executed(p.Name, "/usr/bin/cat")))
	}

	l.markAll(t) // the rest of what the attacks caused
	mark = l.alerts.mark()
	w.kubectl(t, "rollout", "restart", "deployment/webapp")
	w.rollout(t)
	w.load(t)
	w.kubectl(t, "scale", "deployment/webapp", "--replicas=3")
	w.rollout(t)
	for range 3 {
		w.load(t)
	}
	l.silent(t, mark, w.namespace)
	w.record(t) // still one
}

// learn loads and restarts the replicas until all that is known of them is in
// one ConfigMap and every agent guards them. How an application ends is learned
// as all else is: by seeing it.
func (w *webapp) learn(t *testing.T) {
	t.Helper()
	w.loadFor(t, learningWindow/4)
	w.kubectl(t, "rollout", "restart", "deployment/webapp")
	w.rollout(t)
	w.loadFor(t, learningWindow/2)
	w.awaitGuarded(t)
	r := w.record(t)
	t.Logf("%s: %v", r.Name, r.Annotations)
}

// awaitGuarded waits until the ConfigMap and every agent say that the replicas
// are guarded.
func (w *webapp) awaitGuarded(t *testing.T) {
	t.Helper()
	eventually(t, "end of learning", func() error {
		if state := w.record(t).Annotations["bobwatch/state"]; state != "guarded" {
			return fmt.Errorf("the state of the learned profile is %q", state)
		}
		for _, n := range w.Nodes {
			for _, known := range w.agentOn(t, n.Name).status(t).Workloads {
				if known.Namespace == w.namespace && known.State != status.Guarded {
					return fmt.Errorf("the state on %s is %q", n.Name, known.State)
				}
			}
		}
		return nil
	})
}

// record returns the ConfigMap with what was learned, of which there has to be
// one at most.
func (w *webapp) record(t *testing.T) corev1.ConfigMap {
	t.Helper()
	maps, err := w.client.CoreV1().ConfigMaps(release).List(t.Context(), metav1.ListOptions{
		LabelSelector: "bobwatch/workload-namespace=" + w.namespace + ",bobwatch/learned=true,bobwatch/workload-kind=Deployment,bobwatch/workload-name=webapp,bobwatch/container=web",
	})
	if err != nil {
		t.Fatal(err)
	}
	switch len(maps.Items) {
	case 0:
		return corev1.ConfigMap{}
	case 1:
		return maps.Items[0]
	}
	t.Fatalf("%d learned profiles of one container, want 1", len(maps.Items))
	return corev1.ConfigMap{}
}

// names fails the test unless an alert tells whom it is about.
func names(t *testing.T, p corev1.Pod, s seen) {
	t.Helper()
	got := fmt.Sprintf("%s %s/%s %s %s on %s by %s", s.Workload.Namespace, s.Workload.Kind, s.Workload.Name, s.Pod.Name, s.Container.Name, s.Node, s.node)
	want := fmt.Sprintf("%s Deployment/webapp %s web on %s by %s", p.Namespace, p.Name, p.Spec.NodeName, p.Spec.NodeName)
	if got != want {
		t.Errorf("alert is about %s, want %s", got, want)
	}
}
