package alerting

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientset "k8s.io/client-go/kubernetes"

	"bobwatch/internal/alert"
	"bobwatch/internal/alert/delivery"
	"bobwatch/internal/alert/sink"
	"bobwatch/internal/kubernetes"
	"bobwatch/internal/testenv"
	"bobwatch/test/cluster"
)

// TestKubernetesEvents attacks a pod 25 times and looks at it as people do.
func TestKubernetesEvents(t *testing.T) {
	plane := cluster.NewControlPlane(t)
	config, err := plane.Config()
	if err != nil {
		t.Fatal(err)
	}
	api, err := clientset.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	pod, err := api.CoreV1().Pods("default").Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "webapp-0"},
		Spec:       corev1.PodSpec{NodeName: "node-0", Containers: []corev1.Container{{Name: "web", Image: "web:1"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.Connect(kubernetes.Options{
		Kubeconfig: plane.Kubeconfig, Node: "node-0", Version: "test", Log: zaptest.NewLogger(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	replica := newReplica(t, 0, delivery.Route{Sink: sink.NewKubernetes("events", client)})
	replica.subject.Workload.Namespace = "default"
	replica.subject.Pod = alert.Pod{Name: pod.Name, UID: string(pod.UID)}
	for i := range 25 {
		replica.attack(uint32(100 + 2*i))
	}
	eventually(t, func() error {
		list, err := api.CoreV1().Events("default").List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		sum := 0
		for i := range list.Items {
			sum += int(list.Items[i].Count)
		}
		if len(list.Items) != 4 || sum != 100 {
			return fmt.Errorf("%d events of %d acts, want 4 of 100", len(list.Items), sum)
		}
		return nil
	})
	kubectl := filepath.Join(testenv.Tool(t, "kubernetes.sh"), "kubectl")
	out, err := exec.CommandContext(ctx, kubectl, "--kubeconfig", plane.Kubeconfig, "describe", "pod", pod.Name).CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl describe: %v\n%s", err, out)
	}
	for _, message := range attackMessages {
		found := false
		for line := range strings.Lines(string(out)) {
			found = found || strings.Contains(line, "Warning") && strings.Contains(line, "(x25 over ") &&
				strings.Contains(line, "  bobwatch  spec.containers{web}: ") && strings.Contains(line, message)
		}
		if !found {
			t.Errorf("kubectl describe does not tell 25 times %q:\n%s", message, out)
		}
	}
}

// TestKubernetesEventsThatAreRefused sends to a namespace that does not exist.
func TestKubernetesEventsThatAreRefused(t *testing.T) {
	plane := cluster.NewControlPlane(t)
	client, err := kubernetes.Connect(kubernetes.Options{
		Kubeconfig: plane.Kubeconfig, Node: "node-0", Version: "test", Log: zaptest.NewLogger(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := sink.NewKubernetes("events", client)
	about := func(namespace, uid string) alert.Alert {
		return alert.Alert{
			RuleName: "Unexpected process launched", Message: "x", Count: 1, First: time.Now(), Last: time.Now(),
			Subject: alert.Subject{Workload: alert.Workload{Namespace: namespace}, Pod: alert.Pod{Name: "web", UID: uid}},
		}
	}
	delivered, err := s.Send(t.Context(), []alert.Alert{about("default", "1"), about("", ""), about("gone", "1"), about("default", "1")})
	if delivered != 2 || !errors.Is(err, alert.ErrRefused) {
		t.Errorf("Send = %d, %v; want 2 delivered and a refusal", delivered, err)
	}
	if err := plane.StopAPIServer(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	delivered, err = s.Send(ctx, []alert.Alert{about("default", "2")})
	if delivered != 0 || err == nil || errors.Is(err, alert.ErrRefused) {
		t.Errorf("Send = %d, %v; want an error that passes", delivered, err)
	}
}
