package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"

	"bobwatch/internal/yamlfile"
)

// Manifest is objects that are made together, in order, and removed together.
type Manifest struct {
	Objects []*unstructured.Unstructured
	client  *Client
	made    []handle
}

// handle is an object of the cluster.
type handle struct {
	dynamic.ResourceInterface
	kind, name string
}

// maxObjects bounds a manifest.
const maxObjects = 1000

// Manifest reads objects from YAML or JSON, lists included. Those without a
// namespace get the client's.
func (c *Client) Manifest(text []byte) (*Manifest, error) {
	m := &Manifest{client: c}
	parts, err := yamlfile.Split("manifest", text)
	if err != nil {
		return nil, err
	}
	for _, part := range parts {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(part, &object.Object); err != nil {
			return nil, fmt.Errorf("read manifest: %w", err)
		}
		if len(object.Object) == 0 {
			continue
		}
		if err := m.add(object); err != nil {
			return nil, fmt.Errorf("read manifest: %w", err)
		}
	}
	return m, nil
}

func (m *Manifest) add(object *unstructured.Unstructured) error {
	if object.IsList() {
		return object.EachListItem(func(item runtime.Object) error {
			return m.add(item.(*unstructured.Unstructured))
		})
	}
	if len(m.Objects) >= maxObjects {
		return fmt.Errorf("more than %d objects", maxObjects)
	}
	if object.GetKind() == "" || object.GetAPIVersion() == "" || object.GetName() == "" {
		return errors.New("an object lacks kind, apiVersion or name")
	}
	m.Objects = append(m.Objects, object)
	return nil
}

// Create makes the objects. It takes none for its own that exists; then, and
// on any other error, those that were made are for Remove.
func (m *Manifest) Create(ctx context.Context) error {
	client, err := dynamic.NewForConfig(m.client.Config)
	if err != nil {
		return err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(m.client.Discovery()))
	for _, object := range m.Objects {
		kind := object.GroupVersionKind()
		mapping, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
		if err != nil {
			return fmt.Errorf("create %s %s: %w", kind.Kind, object.GetName(), err)
		}
		h := handle{ResourceInterface: client.Resource(mapping.Resource), kind: kind.Kind, name: object.GetName()}
		if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
			if object.GetNamespace() == "" {
				object.SetNamespace(m.client.Namespace)
			}
			h.ResourceInterface = client.Resource(mapping.Resource).Namespace(object.GetNamespace())
		}
		if _, err := h.ResourceInterface.Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("create %s %s: %w", kind.Kind, object.GetName(), err)
		}
		m.made = append(m.made, h)
	}
	return nil
}

// removePoll is how often it is looked whether objects are gone.
const removePoll = 200 * time.Millisecond

// Remove removes the objects that Create made, the last first, and waits until
// they are gone. The pods of a workload go after it.
func (m *Manifest) Remove(ctx context.Context) error {
	background := metav1.DeletePropagationBackground
	var errs []error
	for _, h := range slices.Backward(m.made) {
		err := h.ResourceInterface.Delete(ctx, h.name, metav1.DeleteOptions{PropagationPolicy: &background})
		if err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("remove %s %s: %w", h.kind, h.name, err))
		}
	}
	for _, h := range m.made {
		if err := h.gone(ctx); err != nil {
			errs = append(errs, fmt.Errorf("remove %s %s: %w", h.kind, h.name, err))
		}
	}
	return errors.Join(errs...)
}

// gone waits until the object is.
func (h handle) gone(ctx context.Context) error {
	for {
		_, err := h.ResourceInterface.Get(ctx, h.name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			return nil
		case err != nil:
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it is still there: %w", ctx.Err())
		case <-time.After(removePoll):
		}
	}
}
