package apiserver

import (
	"bobwatch/internal/kubernetes"
	"bobwatch/internal/workload"
)

// Newcomer is a container that the agent does not watch yet, with all facts about
// it: the runtime's record, and in a cluster the API server's record of its pod and
// the facts that other nodes learned about its workload.
type Newcomer struct {
	workload.Container
	PodLabels map[string]string // that alerts carry
	Described bool              // by the API server: what follows is set
	Settings  kubernetes.Settings
	Subject   kubernetes.Subject // where its learned profile belongs; zero outside of a cluster

	Learned     *kubernetes.Record // of this very image, by all nodes
	Predecessor *kubernetes.Record // of the image before
}

// describe copies the API server's record of the container's pod. labels are the
// names of the labels that alerts carry.
func (n *Newcomer) describe(pod *kubernetes.Pod, labels []string) {
	n.Described = true
	if pod.Owner.Name != "" {
		n.Owner = pod.Owner
	}
	n.Labels = pod.Labels
	n.Type = pod.Containers[n.Name]
	n.Settings = pod.Settings
	n.Subject = kubernetes.Subject{
		Key:             n.Key(),
		OwnerUID:        pod.OwnerUID,
		OwnerAPIVersion: pod.OwnerAPIVersion,
		Image:           n.Image,
	}
	n.PodLabels = nil
	for _, name := range labels {
		if value, ok := pod.Labels[name]; ok {
			if n.PodLabels == nil {
				n.PodLabels = map[string]string{}
			}
			n.PodLabels[name] = value
		}
	}
}
