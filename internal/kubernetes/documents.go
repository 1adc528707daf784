package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"bobwatch/internal/catalog"
)

// WatchDocuments calls publish with the documents of each ConfigMap that has
// the label catalog.Label, whenever it changes, and withdraw when it is gone.
// There is one goroutine for each of the configured namespaces. It returns when
// ctx ends; an outage of the API server withdraws nothing. known are sources that
// were published before: those that are gone are withdrawn, too.
func (c *Client) WatchDocuments(ctx context.Context, known []string, publish func(source string, documents []catalog.Document), withdraw func(source string)) error {
	namespaces := c.options.Namespaces
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	var group errgroup.Group
	for _, namespace := range namespaces {
		store := &mapStore{
			published: &c.published, publish: publish, withdraw: withdraw,
			versions: map[string]string{},
		}
		known = slices.DeleteFunc(slices.Clone(known), func(source string) bool {
			ours := inNamespace(source, namespace)
			if ours {
				store.versions[source] = "" // which no ConfigMap has
			}
			return ours
		})
		group.Go(func() error {
			c.follow(ctx, selection{
				resource:  "configmaps",
				namespace: namespace,
				label:     catalog.Label + "=" + catalog.LabelValue,
				example:   &corev1.ConfigMap{},
			}, store)
			return nil
		})
	}
	for _, source := range known {
		withdraw(source) // of a namespace that is none of the agent's any more
	}
	return group.Wait()
}

func inNamespace(source, namespace string) bool {
	m := catalog.ConfigMap{Namespace: namespace}
	return namespace == metav1.NamespaceAll || strings.HasPrefix(source, m.Source())
}

// mapStore is the store of a reflector of ConfigMaps. It hands them on, and keeps only
// the versions that it handed on.
type mapStore struct {
	published *publishedMaps
	publish   func(source string, documents []catalog.Document)
	withdraw  func(source string)
	versions  map[string]string // by source
}

// Add implements cache.ReflectorStore.
func (s *mapStore) Add(object any) error { return s.Update(object) }

// Update implements cache.ReflectorStore.
func (s *mapStore) Update(object any) error {
	m, source, err := documentMap(object)
	if err != nil {
		return err
	}
	cm := object.(*corev1.ConfigMap)
	if s.versions[source] == cm.ResourceVersion {
		return nil
	}
	s.versions[source] = cm.ResourceVersion
	s.published.set(source, corev1.ObjectReference{
		APIVersion: "v1", Kind: "ConfigMap", Namespace: cm.Namespace, Name: cm.Name,
		UID: cm.UID, ResourceVersion: cm.ResourceVersion,
	})
	s.publish(source, m.Documents())
	return nil
}

// Delete implements cache.ReflectorStore.
func (s *mapStore) Delete(object any) error {
	_, source, err := documentMap(object)
	if err != nil {
		return err
	}
	s.forget(source)
	return nil
}

// Replace implements cache.ReflectorStore.
func (s *mapStore) Replace(objects []any, _ string) error {
	listed := make(map[string]bool, len(objects))
	for _, object := range objects {
		_, source, err := documentMap(object)
		if err != nil {
			return err
		}
		listed[source] = true
		if err := s.Update(object); err != nil {
			return err
		}
	}
	for source := range s.versions {
		if !listed[source] {
			s.forget(source)
		}
	}
	return nil
}

// Resync implements cache.ReflectorStore.
func (*mapStore) Resync() error { return nil }

func (s *mapStore) forget(source string) {
	delete(s.versions, source)
	s.published.remove(source)
	s.withdraw(source)
}

// documentMap returns the parts of a ConfigMap that the catalog needs.
func documentMap(object any) (m catalog.ConfigMap, source string, err error) {
	cm, ok := object.(*corev1.ConfigMap)
	if !ok {
		return m, "", fmt.Errorf("read documents: %T", object)
	}
	m = catalog.ConfigMap{Namespace: cm.Namespace, Name: cm.Name, Data: cm.Data, BinaryData: cm.BinaryData}
	return m, m.Source(), nil
}

// publishedMaps remembers which ConfigMaps sources are, for Events about them.
type publishedMaps struct {
	mu       sync.Mutex
	bySource map[string]corev1.ObjectReference
}

func (p *publishedMaps) set(source string, ref corev1.ObjectReference) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bySource == nil {
		p.bySource = map[string]corev1.ObjectReference{}
	}
	p.bySource[source] = ref
}

func (p *publishedMaps) remove(source string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.bySource, source)
}

func (p *publishedMaps) get(source string) (corev1.ObjectReference, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ref, ok := p.bySource[source]
	return ref, ok
}

var (
	_ cache.ReflectorStore    = (*mapStore)(nil)
	_ cache.TransformingStore = podStore{}
)
