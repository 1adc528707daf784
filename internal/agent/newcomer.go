package agent

import (
	"bobwatch/internal/kubernetes"
	"bobwatch/internal/workload"
)

// newcomer is a container that is to be taken in, with all that was found out
// about it before: the runtime's record, and in a cluster what the API server
// says of its pod and what other nodes learned of its workload.
type newcomer struct {
	workload.Container
	podLabels map[string]string // that alerts carry
	described bool              // by the API server: what follows is set
	settings  kubernetes.Settings
	owner     kubernetes.Subject // where its learned profile belongs; zero outside of a cluster

	learned     *kubernetes.Record // of this very image, by all nodes
	predecessor *kubernetes.Record // of the image before
}

// describe takes over what the API server says of the container's pod. labels
// are the names of those that alerts carry.
func (n *newcomer) describe(pod *kubernetes.Pod, labels []string) {
	n.described = true
	if pod.Owner.Name != "" {
		n.Owner = pod.Owner
	}
	n.Labels = pod.Labels
	n.Type = pod.Containers[n.Name]
	n.settings = pod.Settings
	n.owner = kubernetes.Subject{
		Key:             n.Key(),
		OwnerUID:        pod.OwnerUID,
		OwnerAPIVersion: pod.OwnerAPIVersion,
		Image:           n.Image,
	}
	n.podLabels = nil
	for _, name := range labels {
		if value, ok := pod.Labels[name]; ok {
			if n.podLabels == nil {
				n.podLabels = map[string]string{}
			}
			n.podLabels[name] = value
		}
	}
}
