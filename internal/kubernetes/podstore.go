package kubernetes

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"bobwatch/internal/workload"
)

// maxPodLabels bounds the kept labels of a pod: its author may have given it megabytes
// of them.
const maxPodLabels = 64

// podStore is the store of a reflector of pods. It keeps only the podRecord of a pod.
type podStore struct{ pods *Pods }

// Add implements cache.ReflectorStore.
func (s podStore) Add(object any) error { return s.Update(object) }

// Update implements cache.ReflectorStore.
func (s podStore) Update(object any) error {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return fmt.Errorf("keep pod: %T", object)
	}
	r := newPodRecord(pod)
	if s.pods.set(r) && s.pods.changed != nil {
		s.pods.changed(r.UID)
	}
	if pod.DeletionTimestamp != nil && s.pods.ending != nil {
		s.pods.ending(r.id())
	}
	return nil
}

// Delete implements cache.ReflectorStore.
func (s podStore) Delete(object any) error {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return fmt.Errorf("forget pod: %T", object)
	}
	s.pods.remove(idOf(pod))
	return nil
}

// Replace implements cache.ReflectorStore.
func (s podStore) Replace(objects []any, _ string) error {
	listed := make(map[PodID]bool, len(objects))
	for _, object := range objects {
		if err := s.Update(object); err != nil {
			return err
		}
		listed[idOf(object.(*corev1.Pod))] = true
	}
	s.pods.retain(listed)
	return nil
}

// Resync implements cache.ReflectorStore.
func (podStore) Resync() error { return nil }

// Transformer implements cache.TransformingStore: while a list streams in, only
// this is held of it.
func (podStore) Transformer() cache.TransformFunc {
	return func(object any) (any, error) {
		pod, ok := object.(*corev1.Pod)
		if !ok {
			return object, nil
		}
		return trimPod(pod), nil
	}
}

// trimPod returns a pod with nothing in it that a podRecord is not made of.
func trimPod(pod *corev1.Pod) *corev1.Pod {
	trimmed := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		UID:             pod.UID,
		Namespace:       pod.Namespace,
		Name:            pod.Name,
		ResourceVersion: pod.ResourceVersion,
		Labels:          boundedLabels(pod.Labels),
		Annotations:     pick(pod.Annotations, append([]string{corev1.MirrorPodAnnotationKey}, settingKeys...)),
	}}
	trimmed.DeletionTimestamp = pod.DeletionTimestamp
	if ref := metav1.GetControllerOf(pod); ref != nil {
		trimmed.OwnerReferences = []metav1.OwnerReference{*ref}
	}
	for _, c := range pod.Spec.Containers {
		trimmed.Spec.Containers = append(trimmed.Spec.Containers, corev1.Container{Name: c.Name})
	}
	for _, c := range pod.Spec.InitContainers {
		trimmed.Spec.InitContainers = append(trimmed.Spec.InitContainers, corev1.Container{Name: c.Name})
	}
	for _, c := range pod.Spec.EphemeralContainers {
		trimmed.Spec.EphemeralContainers = append(trimmed.Spec.EphemeralContainers,
			corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: c.Name}})
	}
	return trimmed
}

func newPodRecord(pod *corev1.Pod) *podRecord {
	r := &podRecord{
		Pod: Pod{
			UID:        runtimeUID(pod),
			Namespace:  pod.Namespace,
			Name:       pod.Name,
			Labels:     boundedLabels(pod.Labels),
			Containers: map[string]string{},
		},
		annotations: pick(pod.Annotations, settingKeys),
		controller:  metav1.GetControllerOf(pod),
	}
	for _, c := range pod.Spec.Containers {
		r.Containers[c.Name] = workload.TypeRegular
	}
	for _, c := range pod.Spec.InitContainers {
		r.Containers[c.Name] = workload.TypeInit
	}
	for _, c := range pod.Spec.EphemeralContainers {
		r.Containers[c.Name] = workload.TypeEphemeral
	}
	return r
}

// runtimeUID is the UID by which the runtime knows a pod. One that the kubelet
// runs from a file has a likeness in the API server, with another UID.
func runtimeUID(pod *corev1.Pod) string {
	return cmp.Or(pod.Annotations[corev1.MirrorPodAnnotationKey], string(pod.UID))
}

func idOf(pod *corev1.Pod) PodID {
	return PodID{Namespace: pod.Namespace, Name: pod.Name, UID: runtimeUID(pod)}
}

// boundedLabels returns the settings among the labels, and as many others as
// are kept of a pod.
func boundedLabels(labels map[string]string) map[string]string {
	if len(labels) <= maxPodLabels {
		return labels
	}
	bounded := pick(labels, settingKeys)
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if len(bounded) >= maxPodLabels {
			break
		}
		bounded[key] = labels[key]
	}
	return bounded
}

// pick returns the entries of texts with the keys.
func pick(texts map[string]string, keys []string) map[string]string {
	picked := map[string]string{}
	for _, key := range keys {
		if value, ok := texts[key]; ok {
			picked[key] = value
		}
	}
	return picked
}
