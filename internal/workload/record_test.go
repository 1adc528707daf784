package workload

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	containersv1 "github.com/containerd/containerd/api/services/containers/v1"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

var created = time.Date(2026, time.November, 21, 0, 20, 2, 0, time.UTC)

// readRecord reads one of the records in testdata.
func readRecord(t *testing.T, name, namespace string) *record {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		ID, Image  string
		Labels     map[string]string
		Extensions map[string]json.RawMessage
		Spec       json.RawMessage
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	c := &containersv1.Container{
		ID:         file.ID,
		Image:      file.Image,
		Labels:     file.Labels,
		Spec:       &anypb.Any{Value: file.Spec},
		Extensions: make(map[string]*anypb.Any),
		CreatedAt:  timestamppb.New(created),
	}
	for name, value := range file.Extensions {
		c.Extensions[name] = &anypb.Any{Value: value}
	}
	r, err := newRecord(namespace, c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestNotedDigest: an image that cannot be looked up is still told from others.
func TestNotedDigest(t *testing.T) {
	id := "sha256:4694e697bd632a2102237bd3381305ef40f082f41c5c53a34be0a944f67a1f70"
	manifest := "sha256:" + hexID
	cri := readRecord(t, "cri-container.json", "k8s.io")
	pulled := readRecord(t, "cri-container.json", "k8s.io")
	pulled.Image = "registry.example/app@" + manifest
	docker := readRecord(t, "cri-container.json", "k8s.io")
	docker.Extensions = nil
	for want, r := range map[string]*record{id: cri, manifest: pulled, "": docker} {
		if got := r.notedDigest(); got != want {
			t.Errorf("notedDigest() of %s = %q, want %q", r.GetImage(), got, want)
		}
	}
}

func TestPodContainer(t *testing.T) {
	sandbox := readRecord(t, "cri-sandbox.json", "k8s.io")
	r := readRecord(t, "cri-container.json", "k8s.io")
	if got, want := r.sandboxID(), sandbox.GetID(); got != want {
		t.Errorf("sandboxID() = %q, want %q", got, want)
	}
	if got, want := r.imageName(), "sha256:4694e697bd632a2102237bd3381305ef40f082f41c5c53a34be0a944f67a1f70"; got != want {
		t.Errorf("imageName() = %q, want %q", got, want)
	}
	pod := "/kubepods/burstable/pod" + podUID + "/"
	got := []Container{r.container(sandbox.GetLabels(), "sha256:1"), sandbox.container(nil, "sha256:2")}
	want := []Container{
		{
			ID:               r.GetID(),
			Runtime:          "containerd",
			RuntimeNamespace: "k8s.io",
			Namespace:        "shop",
			Pod:              "web-7d4b9c6f5-x2x9k",
			PodUID:           podUID,
			Name:             "web",
			Owner:            Owner{"Deployment", "web"},
			Labels:           map[string]string{"app": "web", "pod-template-hash": "7d4b9c6f5"},
			Image:            "localhost/app:1",
			ImageDigest:      "sha256:1",
			CgroupPath:       pod + r.GetID(),
			StartedAt:        created,
		},
		{
			ID:               sandbox.GetID(),
			Runtime:          "containerd",
			RuntimeNamespace: "k8s.io",
			Namespace:        "shop",
			Pod:              "web-7d4b9c6f5-x2x9k",
			PodUID:           podUID,
			Name:             "POD",
			Sandbox:          true,
			Owner:            Owner{"Deployment", "web"},
			Labels:           map[string]string{"app": "web", "pod-template-hash": "7d4b9c6f5"},
			Image:            "localhost/app:1",
			ImageDigest:      "sha256:2",
			CgroupPath:       pod + sandbox.GetID(),
			StartedAt:        created,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("containers differ (-want +got):\n%s", diff)
	}
}

// TestLabelsOfAnImage: ctr and nerdctl copy an image's labels to the container,
// so an image could claim to be of a pod.
func TestLabelsOfAnImage(t *testing.T) {
	r := readRecord(t, "cri-container.json", "default")
	c := r.container(nil, "")
	got, want := c.Key(), Key{"default", "Container", r.GetID(), r.GetID(), ""}
	if got != want {
		t.Errorf("Key() = %v, want %v", got, want)
	}
	if c.Pod != "" || r.sandboxID() != "" {
		t.Errorf("container is of pod %q, sandbox %q; want neither", c.Pod, r.sandboxID())
	}
}

func TestBoundedLabels(t *testing.T) {
	labels := map[string]string{
		"a":                                "kept",
		"b":                                strings.Repeat("x", maxLabelValue+1),
		strings.Repeat("c", maxLabelKey+1): "too long a key",
		"io.kubernetes.pod.name":           "internal",
	}
	if diff := cmp.Diff(map[string]string{"a": "kept"}, boundedLabels(labels)); diff != "" {
		t.Errorf("labels differ (-want +got):\n%s", diff)
	}
	for i := range 2 * maxLabels {
		labels["n"+strconv.Itoa(i)] = ""
	}
	if got := len(boundedLabels(labels)); got != maxLabels {
		t.Errorf("%d labels, want %d", got, maxLabels)
	}
}

func TestDigestOf(t *testing.T) {
	tests := map[string]string{
		"registry.example/web@sha256:" + hexID:       "sha256:" + hexID,
		"registry.example/web:1@sha256:" + hexID:     "sha256:" + hexID,
		"registry.example/web:1":                     "",
		"registry.example/web@latest":                "",
		"registry.example/web@sha256:" + hexID + "@": "",
		"": "",
	}
	for reference, want := range tests {
		if got := digestOf(reference); got != want {
			t.Errorf("digestOf(%q) = %q, want %q", reference, got, want)
		}
	}
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"linux":{"cgroupsPath":"/default/web"}}`), "bobwatch/workload", "web")
	f.Add([]byte(`{"annotations":{"io.kubernetes.cri.sandbox-id":"x"},"linux":{"cgroupsPath":"a.slice:b:c"}}`), labelPodUID, "u")
	f.Fuzz(func(t *testing.T, spec []byte, label, value string) {
		r, err := newRecord("k8s.io", &containersv1.Container{
			ID:     "web",
			Spec:   &anypb.Any{Value: spec},
			Labels: map[string]string{label: value, labelKind: "container"},
		})
		if err != nil {
			return
		}
		c := r.container(map[string]string{label: value}, "")
		if c.CgroupPath == "" || c.Owner.Kind == "" {
			t.Errorf("container of %q has no cgroup or no owner: %+v", spec, c)
		}
		key := c.Key().String()
		if strings.Count(key, "/") != 3 || strings.Count(key, "@") != 1 {
			t.Errorf("key %q has other than five parts", key)
		}
	})
}
