package kubernetes

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"bobwatch/test/cluster"
)

// patience is for what takes milliseconds on an idle machine.
const patience = 30 * time.Second

// world is a control plane and what a test does with it as an administrator.
type world struct {
	*cluster.ControlPlane
	kubernetes.Interface
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{ControlPlane: cluster.NewControlPlane(t)}
	config, err := w.Config()
	if err != nil {
		t.Fatal(err)
	}
	if w.Interface, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: agents}}
	if _, err := w.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return w
}

// agents is the agents' own namespace.
const agents = "agents"

// namespace makes a namespace that is named after the test.
func (w *world) namespace(t testing.TB) string {
	t.Helper()
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-", " ", "-").Replace(t.Name()))
	name = fmt.Sprintf("%.50s-%d", name, os.Getpid())
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	_, err := w.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// client returns a Client that nothing is shared with.
func (w *world) client(t testing.TB, node string, namespaces ...string) *Client {
	t.Helper()
	c, err := Connect(Options{
		Kubeconfig: w.Kubeconfig, Node: node, Namespaces: namespaces, Version: "test", LearnedNamespace: agents,
		Settings:   []SettingsRule{{Namespace: "*", Allow: Choices}},
		Log:        zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)),
		Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// background runs f until the test ends.
func background(t testing.TB, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(patience):
			t.Error("does not end with its context")
		}
	})
}

// eventually waits until ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// get returns what a call of a clientset returns.
func get[T any](t testing.TB) func(T, error) T {
	t.Helper()
	return func(got T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
}
