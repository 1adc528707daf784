package cluster

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Pod is a pod of a workload.
type Pod struct {
	Name string
	Node string // empty until it has one
}

// PodsOf returns the pods whose top owner is the workload.
func (c *Client) PodsOf(ctx context.Context, namespace, kind, name string) ([]Pod, error) {
	pods, err := c.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	tops := make(map[types.UID]owner)
	var found []Pod
	for i := range pods.Items {
		pod := &pods.Items[i]
		top := owner{kind: "Pod", name: pod.Name}
		if ref := metav1.GetControllerOf(pod); ref != nil {
			known, ok := tops[ref.UID]
			if !ok {
				if known, err = c.topOf(ctx, namespace, ref); err != nil {
					return nil, err
				}
				tops[ref.UID] = known
			}
			top = known
		}
		if top == (owner{kind: kind, name: name}) {
			found = append(found, Pod{Name: pod.Name, Node: pod.Spec.NodeName})
		}
	}
	return found, nil
}

type owner struct{ kind, name string }

// topOf returns the controller of a pod's controller, or that itself.
func (c *Client) topOf(ctx context.Context, namespace string, ref *metav1.OwnerReference) (owner, error) {
	var above *metav1.OwnerReference
	var err error
	switch ref.Kind {
	case "ReplicaSet":
		set, getErr := c.AppsV1().ReplicaSets(namespace).Get(ctx, ref.Name, metav1.GetOptions{})
		above, err = metav1.GetControllerOf(set), getErr
	case "Job":
		job, getErr := c.BatchV1().Jobs(namespace).Get(ctx, ref.Name, metav1.GetOptions{})
		above, err = metav1.GetControllerOf(job), getErr
	}
	if err != nil {
		return owner{}, fmt.Errorf("find owner of pods: %w", err)
	}
	if above != nil {
		ref = above
	}
	return owner{kind: ref.Kind, name: ref.Name}, nil
}
