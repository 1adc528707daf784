// Package cluster runs a real Kubernetes for tests, from test/cluster/hyperkube
// and Debian's packages: a control plane alone, for what only talks to the API,
// or whole nodes.
//
// Invariant: whatever it starts ends, and whatever it makes on the machine is
// removed, at the latest by the next run.
package cluster

// Addresses of services, of which the API server's is the first.
const (
	serviceRange   = "10.96.0.0/16"
	serviceAddress = "10.96.0.1"
)
