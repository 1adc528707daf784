package kubernetes

import (
	"os"
	"strings"
)

// namespaceFile is where the kubelet says in which namespace a pod is.
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// OwnNamespace returns the namespace that this process runs in, bobwatch outside
// of a cluster.
func OwnNamespace() string {
	text, err := os.ReadFile(namespaceFile)
	if name := strings.TrimSpace(string(text)); err == nil && name != "" {
		return name
	}
	return "bobwatch"
}
