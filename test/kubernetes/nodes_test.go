package kubernetes

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestNodes wants every container known to the agent of its node and to no
// other, though the nodes of this cluster share a kernel.
func TestNodes(t *testing.T) {
	l := newLab(t)
	w := l.newWebapp(t, "nodes")
	w.deploy(t, 4, withoutWindow)
	for _, n := range l.Nodes {
		var want []string
		pods, err := l.client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{FieldSelector: "spec.nodeName=" + n.Name})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pods.Items {
			if p.DeletionTimestamp == nil {
				want = append(want, p.Namespace+"/"+p.Name)
			}
		}
		slices.Sort(want)
		eventually(t, "agent of "+n.Name, func() error {
			got := []string{}
			for _, known := range l.agentOn(t, n.Name).status(t).Workloads {
				for _, i := range known.Instances {
					got = append(got, known.Namespace+"/"+i.Pod)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				return fmt.Errorf("it watches other containers than the node has (-want +got):\n%s", diff)
			}
			return nil
		})
	}
}

const (
	manyPods = 30
	// maxRSS bounds what an agent may keep in memory with these pods on its node.
	maxRSS = 64 << 20
	// measured is for how long the agent's use of the processor is.
	measured = 15 * time.Second
)

// TestManyPods prints what an agent takes with 30 pods under load on its node,
// and bounds its memory.
func TestManyPods(t *testing.T) {
	l := newLab(t)
	w := l.newWebapp(t, "many")
	node := l.Nodes[0].Name
	w.deploy(t, manyPods, func(d *appsv1.Deployment) {
		withoutWindow(d)
		pod := &d.Spec.Template.Spec
		pod.TopologySpreadConstraints = nil
		pod.NodeSelector = map[string]string{"kubernetes.io/hostname": node}
		pod.Containers[0].ReadinessProbe = nil
		pod.Containers[0].Resources.Requests = corev1.ResourceList{}
	})
	for _, p := range w.pods(t) {
		eventually(t, "answer of "+p.Name, func() error {
			_, err := visit(t.Context(), p, 80, "/")
			return err
		})
	}
	a := l.agentOn(t, node)
	before, start := a.usage(t), time.Now()
	w.loadFor(t, measured)
	after := a.usage(t)
	t.Logf("agent with %d pods under load: RSS %.1f MiB, %.1f%% of one processor", manyPods,
		float64(after.rss)/(1<<20), 100*(after.cpu-before.cpu)/time.Since(start).Seconds())
	if after.rss > maxRSS {
		t.Errorf("RSS = %d, want at most %d", after.rss, maxRSS)
	}
}
