package kubernetes

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"bobwatch/internal/workload"
)

// Load returns the cluster's record of the container, and, unless that is guarded
// already, the newest guarded record of the same container with another image. Either
// is nil if there is none.
func (l *Learned) Load(ctx context.Context, key workload.Key) (own, predecessor *Record, err error) {
	if !l.client.allowed(key.Namespace) {
		return nil, nil, nil
	}
	own, m, err := l.read(ctx, key, LearnedName(key), "0", l.loadLimit)
	if err != nil {
		return nil, nil, err
	}
	if own != nil {
		l.loaded(key, own, m.ResourceVersion)
	}
	var name string
	switch {
	case own != nil && (own.Guarded || own.Predecessor == ""):
		return own, nil, nil
	case own != nil:
		name = own.Predecessor
	default:
		if name, err = l.newest(ctx, key); err != nil || name == "" {
			return nil, nil, err
		}
	}
	predecessor, _, err = l.read(ctx, key, name, "0", l.loadLimit)
	if predecessor != nil && !predecessor.Guarded {
		predecessor = nil
	}
	return own, predecessor, err
}

// loaded begins to look at a record from time to time.
func (l *Learned) loaded(key workload.Key, own *Record, version string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entry(key)
	if e == nil {
		return
	}
	e.version, e.window = version, own.Window
	if e.own == nil {
		e.own = pack(&Subject{Key: key}, own)
	}
	if e.put == nil {
		e.look = e.spread(firstLook)
		e.due = time.Now().Add(jitter(e.look))
	}
}

// newest returns the name of the newest guarded record of the container. It
// reads metadata only: there may be one for each image that ever was.
func (l *Learned) newest(ctx context.Context, key workload.Key) (string, error) {
	selector := labels.Set{
		LabelLearned:   "true",
		LabelNamespace: key.Namespace,
		LabelKind:      LabelValue(key.OwnerKind),
		LabelName:      LabelValue(key.OwnerName),
		LabelContainer: LabelValue(key.Container),
	}
	list := &metav1.PartialObjectMetadataList{}
	err := l.client.core.Get().Namespace(l.namespace()).Resource("configmaps").
		VersionedParams(&metav1.ListOptions{LabelSelector: selector.String(), ResourceVersion: "0"}, metav1.ParameterCodec).
		SetHeader("Accept", acceptMetadataList).Throttle(l.loadLimit).Timeout(requestTimeout).Do(ctx).Into(list)
	if err != nil {
		return "", fmt.Errorf("list learned profiles: %w", err)
	}
	var newest *metav1.PartialObjectMetadata
	for i := range list.Items {
		m := &list.Items[i]
		if m.Annotations[AnnotationState] != stateGuarded || m.Name == LearnedName(key) {
			continue
		}
		if newest == nil || newest.CreationTimestamp.Before(&m.CreationTimestamp) {
			newest = m
		}
	}
	if newest == nil {
		return "", nil
	}
	return newest.Name, nil
}
