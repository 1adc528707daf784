package helm

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"bobwatch/internal/testenv"
	"bobwatch/test/cluster"
)

// TestInstall installs, upgrades and removes the chart on a real API server,
// which checks what schemas do not.
func TestInstall(t *testing.T) {
	plane := cluster.NewControlPlane(t)
	client := newClient(t, plane)
	mustHelm := func(args ...string) string {
		t.Helper()
		out, err := helm(t, append(args, "--kubeconfig", plane.Kubeconfig, "--namespace", chart)...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	mustHelm("install", chart, chart, "--create-namespace")
	for _, namespace := range []string{"shop", "backend", "monitoring"} {
		createNamespace(t, client, namespace)
	}
	// The kinds of the Prometheus operator are not there.
	notes := mustHelm("upgrade", chart, chart, everything,
		"--set=podMonitor.enabled=false,serviceMonitor.enabled=false,prometheusRule.enabled=false")
	for _, want := range []string{"daemonset/bobwatch", "learned for 1h", "http://alertmanager-1:9093"} {
		if !strings.Contains(notes, want) {
			t.Errorf("the notes lack %q:\n%s", want, notes)
		}
	}
	mustHelm("upgrade", chart, chart, alone)
	mustHelm("uninstall", chart)
	left, err := client.AppsV1().DaemonSets("").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(left.Items) != 0 {
		t.Errorf("%d DaemonSets are left, %v", len(left.Items), err)
	}
	roles, err := client.RbacV1().ClusterRoles().List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=bobwatch"})
	if err != nil || len(roles.Items) != 0 {
		t.Errorf("%d ClusterRoles are left, %v", len(roles.Items), err)
	}
}

// TestDistributionIsTold: where the socket is follows from the version that an
// API server tells.
func TestDistributionIsTold(t *testing.T) {
	plane := cluster.NewControlPlane(t)
	tests := map[string]string{
		"v1.34.1":                "/run/containerd",
		"v1.34.1-gke.1234":       "/run/containerd",
		"v1.34.1-eks-abcdef":     "/run/containerd",
		"v1.34.1+k3s1":           "/run/k3s/containerd",
		"v1.34.1-rc1+k3s1":       "/run/k3s/containerd",
		"v1.34.1+rke2r1":         "/run/k3s/containerd",
		"v1.34.1+k0s":            "/run/k0s",
		"v1.34.1+k0s.2":          "/run/k0s",
		"v1.34.1+vmware.1-fips1": "/run/containerd",
	}
	for version, want := range tests {
		t.Run(version, func(t *testing.T) {
			kubeconfig := serverOfVersion(t, plane, version)
			all := render(t, "--validate", "--kubeconfig", kubeconfig)
			if got := agentConfig(t, all).Containerd.Sockets; len(got) != 1 || got[0] != want+"/containerd.sock" {
				t.Errorf("sockets %q, want one in %s", got, want)
			}
		})
	}
}

// TestManifestsAreAccepted applies deploy/manifests as it is committed.
func TestManifestsAreAccepted(t *testing.T) {
	plane := cluster.NewControlPlane(t)
	if out, err := kubectl(t, plane, "apply", "--validate=strict", "-k", "../manifests"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	_, err := newClient(t, plane).AppsV1().DaemonSets(chart).Get(t.Context(), chart, metav1.GetOptions{})
	if err != nil {
		t.Error(err)
	}
}

func newClient(t *testing.T, plane *cluster.ControlPlane) *kubernetes.Clientset {
	t.Helper()
	config, err := plane.Config()
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// kubectl runs the kubectl of the control plane's version.
func kubectl(t *testing.T, plane *cluster.ControlPlane, args ...string) (string, error) {
	t.Helper()
	program := filepath.Join(testenv.Tool(t, "kubernetes.sh"), "kubectl")
	cmd := exec.CommandContext(t.Context(), program, append(args, "--kubeconfig", plane.Kubeconfig)...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func createNamespace(t *testing.T, client *kubernetes.Clientset, name string) {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}
