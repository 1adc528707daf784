package cluster

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	testcluster "bobwatch/test/cluster"
)

// connect returns a client of a control plane of its own, whose namespace is
// shop.
func connect(t *testing.T) *Client {
	t.Helper()
	plane := testcluster.NewControlPlane(t)
	flags := Flags{Kubeconfig: plane.Kubeconfig, Namespace: "shop"}
	client, err := flags.Connect()
	if err != nil {
		t.Fatal(err)
	}
	shop := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
	if _, err := client.CoreV1().Namespaces().Create(t.Context(), shop, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return client
}

const objects = `
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: first}, data: {a: b}}
---
# nothing
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: webapp, namespace: shop}
spec:
  selector: {matchLabels: {app: webapp}}
  template:
    metadata: {labels: {app: webapp}}
    spec: {containers: [{name: web, image: web}]}
---
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "last"}}
`

// names returns the ConfigMaps and Deployments of the namespace that tests make.
func names(t *testing.T, c *Client) []string {
	t.Helper()
	var found []string
	for _, name := range []string{"first", "last"} {
		_, err := c.CoreV1().ConfigMaps("shop").Get(t.Context(), name, metav1.GetOptions{})
		if err == nil {
			found = append(found, name)
		} else if !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
	}
	deployments, err := c.AppsV1().Deployments("shop").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range deployments.Items {
		found = append(found, deployments.Items[i].Name)
	}
	return found
}

func TestManifest(t *testing.T) {
	c := connect(t)
	manifest, err := c.Manifest([]byte(objects))
	if err != nil {
		t.Fatal(err)
	}
	if err := manifest.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"first", "last", "webapp"}, names(t, c)); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}

	// What is there already is not taken over, and not removed.
	again, err := c.Manifest([]byte("{apiVersion: v1, kind: Secret, metadata: {name: own}}\n---\n" + objects))
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Create(t.Context()); !apierrors.IsAlreadyExists(err) {
		t.Errorf("create again: %v", err)
	}
	if err := again.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CoreV1().Secrets("shop").Get(t.Context(), "own", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("what was created before the error is left: %v", err)
	}
	if diff := cmp.Diff([]string{"first", "last", "webapp"}, names(t, c)); diff != "" {
		t.Errorf("after the error (-want +got):\n%s", diff)
	}

	if err := manifest.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := names(t, c); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}

func TestManifestThatIsNone(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"no YAML":       {"a: [", "read manifest"},
		"a text":        {"hello", "read manifest"},
		"no kind":       {"{apiVersion: v1, metadata: {name: a}}", "lacks kind"},
		"no name":       {"{apiVersion: v1, kind: Pod}", "lacks kind"},
		"a list of one": {"{apiVersion: v1, kind: List, items: [{kind: Pod}]}", "lacks kind"},
		"too many":      {strings.Repeat("{apiVersion: v1, kind: Pod, metadata: {name: a}}\n---\n", maxObjects+1), "MaxDocuments"},
		"two in one":    {"{apiVersion: v1, kind: Pod, metadata: {name: a}}\n...\n{", "read manifest"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := new(Client).Manifest([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Manifest: got %v, want %q", err, tt.want)
			}
		})
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(objects))
	f.Add([]byte("{kind: List, items: [[]]}"))
	f.Add([]byte("- a"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		_, _ = new(Client).Manifest(text)
	})
}

// TestPodsOf: pods belong to the Deployment behind their ReplicaSet, and not to
// another workload of that name.
func TestPodsOf(t *testing.T) {
	c := connect(t)
	controller := true
	owned := func(name, apiVersion, kind, by string, uid types.UID) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: name, OwnerReferences: []metav1.OwnerReference{
			{APIVersion: apiVersion, Kind: kind, Name: by, UID: uid, Controller: &controller},
		}}
	}
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "webapp"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web"}}},
	}
	set := &appsv1.ReplicaSet{
		ObjectMeta: owned("webapp-1", "apps/v1", "Deployment", "webapp", "d"),
		Spec: appsv1.ReplicaSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: template.Labels}, Template: template,
		},
	}
	set, err := c.AppsV1().ReplicaSets("shop").Create(t.Context(), set, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, meta := range []metav1.ObjectMeta{
		owned("webapp-1-a", "apps/v1", "ReplicaSet", "webapp-1", set.UID),
		owned("webapp-1-b", "apps/v1", "ReplicaSet", "webapp-1", set.UID),
		owned("other-0", "apps/v1", "StatefulSet", "webapp", "s"),
		{Name: "webapp"},
	} {
		pod := &corev1.Pod{ObjectMeta: meta, Spec: template.Spec}
		pod.Spec.AutomountServiceAccountToken = new(bool)
		if _, err := c.CoreV1().Pods("shop").Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		kind string
		want []Pod
	}{
		"Deployment":  {"Deployment", []Pod{{Name: "webapp-1-a"}, {Name: "webapp-1-b"}}},
		"StatefulSet": {"StatefulSet", []Pod{{Name: "other-0"}}},
		"pod":         {"Pod", []Pod{{Name: "webapp"}}},
		"none":        {"DaemonSet", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.PodsOf(t.Context(), "shop", tt.kind, "webapp")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("PodsOf (-want +got):\n%s", diff)
			}
		})
	}
}
