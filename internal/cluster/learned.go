package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata"
)

// learnedSelector is of the ConfigMaps in which agents keep what they learn.
const learnedSelector = "bobwatch/learned=true"

// LearnedProfiles returns what stands on the ConfigMaps with the learned profiles
// of workloads in a namespace, or with an empty one of all: their names, labels
// and annotations, without the profiles. agents is the agents' own namespace,
// which has them.
func (c *Client) LearnedProfiles(ctx context.Context, agents, namespace string) ([]metav1.ObjectMeta, error) {
	client, err := metadata.NewForConfig(c.Config)
	if err != nil {
		return nil, fmt.Errorf("list learned profiles: %w", err)
	}
	selector := learnedSelector
	if namespace != "" {
		selector += ",bobwatch/workload-namespace=" + namespace
	}
	list, err := client.Resource(corev1.SchemeGroupVersion.WithResource("configmaps")).Namespace(agents).
		List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, fmt.Errorf("list learned profiles: %w", err)
	}
	metas := make([]metav1.ObjectMeta, len(list.Items))
	for i := range list.Items {
		metas[i] = list.Items[i].ObjectMeta
	}
	return metas, nil
}
