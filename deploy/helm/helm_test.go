// Package helm holds the chart to what it promises: what it asks of nodes and
// cluster, and that the agent understands the configuration it writes.
package helm

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"

	"bobwatch/internal/config"
	"bobwatch/internal/testenv"
)

// chart is the chart's directory, and the release's and its namespace's name.
const chart = "bobwatch"

// helm runs helm and returns what it wrote to stdout. The error holds both.
func helm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), testenv.Helm(t), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("helm %s: %w: %s%s", args[0], err, &stdout, &stderr)
	}
	return stdout.String(), nil
}

// objects are what the chart makes, by "Kind namespace/name".
type objects map[string]runtime.Object

// render renders the chart, with more arguments for helm. Objects of
// Kubernetes' own are decoded strictly, so that no field is misspelt.
func render(t *testing.T, args ...string) objects {
	t.Helper()
	out, err := helm(t, append([]string{"template", chart, chart, "--namespace", chart}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	all := objects{}
	reader := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(out)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		object, _, err := decoder.Decode(document, nil, nil)
		if runtime.IsNotRegisteredError(err) { // of a custom resource
			var foreign unstructured.Unstructured
			object, err = &foreign, yaml.Unmarshal(document, &foreign.Object)
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		m, err := meta.Accessor(object)
		if err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprintf("%s %s/%s", object.GetObjectKind().GroupVersionKind().Kind, m.GetNamespace(), m.GetName())
		if all[key] != nil {
			t.Errorf("the chart makes %s twice", key)
		}
		all[key] = object
	}
}

// get returns one of the objects.
func get[T runtime.Object](t *testing.T, all objects, key string) T {
	t.Helper()
	object, ok := all[key].(T)
	if !ok {
		t.Fatalf("the chart makes no %s", key)
	}
	return object
}

// pod returns the DaemonSet's pod template, and the agent's container.
func pod(t *testing.T, all objects) (corev1.PodTemplateSpec, corev1.Container) {
	t.Helper()
	template := get[*appsv1.DaemonSet](t, all, "DaemonSet bobwatch/bobwatch").Spec.Template
	for _, container := range template.Spec.Containers {
		if container.Name == "agent" {
			return template, container
		}
	}
	t.Fatal("the pod has no container called agent")
	return template, corev1.Container{}
}

// agentConfig returns the configuration that the chart writes, as the agent
// understands it.
func agentConfig(t *testing.T, all objects) config.Config {
	t.Helper()
	text := get[*corev1.ConfigMap](t, all, "ConfigMap bobwatch/bobwatch").Data["agent.yaml"]
	c, err := config.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return c
}
