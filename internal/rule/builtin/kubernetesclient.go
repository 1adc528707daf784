package builtin

import (
	"net/netip"
	"slices"

	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// kubernetesClient: an intruder with a token looks at the cluster next.
var kubernetesClient = Rule{
	ID:    rule.KubernetesClient,
	About: "an execution of `kubectl`, `helm` and the like; a connection to the API server's address",
	Blind: "a client with another name that reaches the API server through a proxy",
	Kinds: []event.Kind{event.KindExec, event.KindConnection},
	Broken: func(a Act) bool {
		if a.Event.Kind == event.KindExec {
			return kubernetesClients.runs(a.Event)
		}
		c := &a.Event.Connection
		return c.Direction == event.Egress && c.Peer.IsValid() && slices.Contains(a.Container.APIServers, netip.AddrPortFrom(c.Peer, c.Port))
	},
}

var kubernetesClients = namesOf("kubectl", "oc", "helm", "k9s", "kubectx", "kubens", "kustomize", "istioctl", "calicoctl", "argocd", "flux", "velero", "kubeadm", "etcdctl")
