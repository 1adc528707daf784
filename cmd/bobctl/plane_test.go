package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"bobwatch/internal/testenv"
	"bobwatch/test/cluster"
)

// shared is the control plane of all tests that need one. It is started for the
// first of them, and ends with TestMain.
var shared struct {
	sync.Once
	plane *cluster.ControlPlane
	dir   string
	err   error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.plane != nil {
		if err := errors.Join(shared.plane.Close(), os.RemoveAll(shared.dir)); err != nil {
			fmt.Fprintln(os.Stderr, "close control plane:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// controlPlane makes the control plane the one that bobctl finds, with a
// namespace shop that holds nothing.
func controlPlane(t *testing.T) *kubernetes.Clientset {
	t.Helper()
	testenv.Command(t, "etcd")
	programs := testenv.Tool(t, "kubernetes.sh")
	shared.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "bobctl-plane-"); shared.err == nil {
			shared.plane, shared.err = cluster.StartControlPlane(context.Background(), shared.dir, programs)
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	t.Setenv("KUBECONFIG", shared.plane.Kubeconfig)
	config, err := shared.plane.Config()
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	shop := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
	if _, err := client.CoreV1().Namespaces().Create(t.Context(), shop, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	if err := client.CoreV1().ConfigMaps("shop").DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	return client
}
