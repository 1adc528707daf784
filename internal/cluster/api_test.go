package cluster_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"bobwatch/internal/cluster"
	testcluster "bobwatch/test/cluster"
)

// Agents are found by their labels, one for each node, and only where nobody
// else could pretend to be one.
func TestAgents(t *testing.T) {
	flags := cluster.Flags{Kubeconfig: testcluster.NewControlPlane(t).Kubeconfig}
	client := connect(t, flags)
	if _, err := client.Agents(t.Context()); !errors.Is(err, cluster.ErrNoAgents) {
		t.Errorf("agents of an empty cluster: %v, want ErrNoAgents", err)
	}
	namespace(t, client, "bobwatch")
	pod(t, client, "bobwatch", "old", "node1", corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Error"}})
	pod(t, client, "bobwatch", "new", "node1", corev1.ContainerState{Running: &corev1.ContainerStateRunning{}})
	pod(t, client, "bobwatch", "stuck", "node2", corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull"}})
	pod(t, client, "bobwatch", "homeless", "", corev1.ContainerState{})
	agents, err := client.Agents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range agents {
		got = append(got, a.Node+" "+a.Pod+" "+a.Problem)
	}
	want := " homeless the pod is pending\nnode1 new \nnode2 stuck ErrImagePull"
	if got := strings.Join(got, "\n"); got != want {
		t.Errorf("agents are\n%s\nwant\n%s", got, want)
	}
	reports := client.Statuses(t.Context(), agents)
	if len(reports) != 3 || reports[2].Agent.Pod != "stuck" || reports[2].Err == nil || reports[2].Err.Error() != "ErrImagePull" {
		t.Errorf("reports are %+v, want those of the agents in their order", reports)
	}
	if reports[1].Err == nil {
		t.Error("an agent without an address has answered")
	}

	namespace(t, client, "tenant")
	pod(t, client, "tenant", "impostor", "node3", corev1.ContainerState{Running: &corev1.ContainerStateRunning{}})
	if _, err := client.Agents(t.Context()); err == nil || !strings.Contains(err.Error(), "bobwatch, tenant") {
		t.Errorf("agents with an impostor: %v, want to be asked whom to trust", err)
	}
	flags.AgentNamespace = "bobwatch"
	if agents, err := connect(t, flags).Agents(t.Context()); err != nil || len(agents) != 3 {
		t.Errorf("agents of the namespace: %v, %v, want three", agents, err)
	}
}

// Learned profiles are listed without what they hold.
func TestLearnedProfiles(t *testing.T) {
	client := connect(t, cluster.Flags{Kubeconfig: testcluster.NewControlPlane(t).Kubeconfig})
	namespace(t, client, "bobwatch")
	for name, labels := range map[string]map[string]string{
		"learned": {"bobwatch/learned": "true", "bobwatch/workload-namespace": "shop"}, "other": nil,
	} {
		m := &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, Annotations: map[string]string{"bobwatch/new-facts": "17"}},
			Data:       map[string]string{"profile.yaml": "x"},
		}
		if _, err := client.CoreV1().ConfigMaps("bobwatch").Create(t.Context(), m, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for namespace, want := range map[string]int{"": 1, "shop": 1, "default": 0} {
		got, err := client.LearnedProfiles(t.Context(), "bobwatch", namespace)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != want || want > 0 && (got[0].Name != "learned" || got[0].Annotations["bobwatch/new-facts"] != "17") {
			t.Errorf("learned profiles of namespace %q: %+v, want %d", namespace, got, want)
		}
	}
}

// Who may not look everywhere is told what to do.
func TestAgentsForbidden(t *testing.T) {
	plane := testcluster.NewControlPlane(t)
	config, err := clientcmd.LoadFromFile(plane.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range config.AuthInfos {
		user.Impersonate = "nobody"
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	_, err = connect(t, cluster.Flags{Kubeconfig: path}).Agents(t.Context())
	if err == nil || !strings.Contains(err.Error(), "--agent-namespace") {
		t.Errorf("agents for one without rights: %v, want advice", err)
	}
}

// Flags choose as kubectl's do.
func TestFlags(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kubeconfig")
	writeKubeconfig(t, path)
	tests := map[string]struct {
		flags     cluster.Flags
		server    string
		namespace string
		named     bool
	}{
		"as it is":          {cluster.Flags{Kubeconfig: path}, "https://one.example", "shop", false},
		"another context":   {cluster.Flags{Kubeconfig: path, Context: "two"}, "https://two.example", "default", false},
		"another namespace": {cluster.Flags{Kubeconfig: path, Namespace: "blog"}, "https://one.example", "blog", true},
		"the same":          {cluster.Flags{Kubeconfig: path, Namespace: "shop"}, "https://one.example", "shop", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := connect(t, tt.flags)
			if c.Config.Host != tt.server || c.Namespace != tt.namespace || c.Named != tt.named {
				t.Errorf("got %s, namespace %s, named %t, want %s, %s, %t", c.Config.Host, c.Namespace, c.Named, tt.server, tt.namespace, tt.named)
			}
		})
	}
	if got := strings.Join((&cluster.Flags{Kubeconfig: path}).Contexts(), " "); got != "one two" {
		t.Errorf("contexts are %s, want one two", got)
	}
	missing := cluster.Flags{Kubeconfig: path, Context: "three"}
	if _, err := missing.Connect(); err == nil || !strings.Contains(err.Error(), "three") {
		t.Errorf("connect to no context: %v", err)
	}
}

func writeKubeconfig(t *testing.T, path string) {
	t.Helper()
	config := []byte(`apiVersion: v1
kind: Config
clusters:
- {name: one, cluster: {server: "https://one.example"}}
- {name: two, cluster: {server: "https://two.example"}}
users:
- {name: me, user: {token: t}}
contexts:
- {name: one, context: {cluster: one, user: me, namespace: shop}}
- {name: two, context: {cluster: two, user: me}}
current-context: one
`)
	loaded, err := clientcmd.Load(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := clientcmd.WriteToFile(*loaded, path); err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, flags cluster.Flags) *cluster.Client {
	t.Helper()
	client, err := flags.Connect()
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func namespace(t *testing.T, client *cluster.Client, name string) {
	t.Helper()
	n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := client.CoreV1().Namespaces().Create(t.Context(), n, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// pod makes an agent's pod whose container is in a state.
func pod(t *testing.T, client *cluster.Client, namespace, name, node string, state corev1.ContainerState) {
	t.Helper()
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			"app.kubernetes.io/name": "bobwatch", "app.kubernetes.io/component": "agent",
		}},
		Spec: corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Name: "agent", Image: "localhost/none"}}},
	}
	made, err := client.CoreV1().Pods(namespace).Create(t.Context(), p, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if state == (corev1.ContainerState{}) {
		return
	}
	made.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "agent", State: state}}
	if _, err := client.CoreV1().Pods(namespace).UpdateStatus(t.Context(), made, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}
