// Package workload says which container a cgroup belongs to, and which
// workload that container is a copy of.
//
// Its one invariant: a cgroup is attributed to a container only when the
// container's own record, kept by the runtime, names that very cgroup. The name of a
// cgroup proves nothing, because a container may create cgroups of
// any name below its own.
package workload

import (
	"net/url"
	"time"
)

// The values of Container.Runtime.
const (
	RuntimeContainerd = "containerd"
	RuntimeCgroup     = "cgroup" // no runtime is asked: a configured pattern named the cgroup
)

// The values of Owner.Kind outside of Kubernetes. Inside it is the kind of the
// Kubernetes object: Deployment, ReplicaSet, StatefulSet, DaemonSet, Job,
// CronJob or Pod.
const (
	KindContainer = "Container"
	KindService   = "Service"
)

// The values of Container.Type. The runtime does not record it, so it is empty
// until somebody who knows the pod fills it in.
const (
	TypeRegular   = "container"
	TypeInit      = "init"
	TypeEphemeral = "ephemeral"
)

// Owner is the workload of a container: it stays the same over restarts, rollouts and
// replicas.
type Owner struct {
	Kind string
	Name string
}

// Container is one container as its runtime recorded it. The author of the image or the
// pod may have chosen all strings except ID, Runtime, RuntimeNamespace and CgroupPath.
// Labels are bounded in number and size.
type Container struct {
	ID               string
	Runtime          string
	RuntimeNamespace string // containerd's namespace; empty for RuntimeCgroup

	Namespace string // Kubernetes namespace, else RuntimeNamespace
	Pod       string // empty outside of Kubernetes
	PodUID    string
	Name      string // the container's name within its owner
	Type      string
	Sandbox   bool // the pod's pause container
	Owner     Owner
	Labels    map[string]string // the pod's labels; outside of Kubernetes the container's

	Image       string
	ImageDigest string // of the image's manifest or index, "sha256:..."; empty if not known

	// CgroupID is the inode of the container's directory in the v2 hierarchy,
	// CgroupPath its path below the root of the hierarchy that the agent sees.
	CgroupID   uint64
	CgroupPath string
	PID        uint32 // of the first process in the agent's pid namespace; 0 if there is none yet
	StartedAt  time.Time
	Running    bool // it ran already when it was first seen, so its start was missed
}

// Key names a workload container: facts learned about a container hold for every
// container with the same Key. It is comparable.
type Key struct {
	Namespace   string
	OwnerKind   string
	OwnerName   string
	Container   string
	ImageDigest string
}

// Key returns the key of the workload c is a copy of.
func (c *Container) Key() Key {
	return Key{
		Namespace:   c.Namespace,
		OwnerKind:   c.Owner.Kind,
		OwnerName:   c.Owner.Name,
		Container:   c.Name,
		ImageDigest: c.ImageDigest,
	}
}

// String returns namespace/kind/owner/container@digest, each part escaped so
// that different keys have different strings without blanks, slashes or
// control characters in their parts.
func (k Key) String() string {
	e := url.QueryEscape
	return e(k.Namespace) + "/" + e(k.OwnerKind) + "/" + e(k.OwnerName) + "/" + e(k.Container) + "@" + k.digest()
}

// digest keeps the colon of a well-formed digest readable.
func (k Key) digest() string {
	if isDigest(k.ImageDigest) {
		return k.ImageDigest
	}
	return url.QueryEscape(k.ImageDigest)
}

// Resident is a container together with the processes in its cgroup and in
// the cgroups nested in it, at the moment it was looked at.
type Resident struct {
	Container
	PIDs   []uint32
	Nested []uint64 // ids of the cgroups below its own
}

// Runtime is a container runtime the agent is connected to.
type Runtime struct {
	Socket string
	// PID of the process that listens on Socket, in the agent's pid namespace:
	// its root and its mount namespace are those of the runtime. 0 if it lives
	// outside the agent's pid namespace.
	PID uint32
}

// ChangeKind is the kind of a Change.
type ChangeKind uint8

// The kinds of changes.
const (
	// Found: a container has a running task. It is also reported for containers that
	// Resolve or Running already returned, because it covers those that they missed.
	Found ChangeKind = iota + 1
	// Gone: a container that was Found has no task any more.
	Gone
	// Connected: a runtime was reached, for the first time or again. Found for
	// each of its containers that was not known before follows.
	Connected
	// Disconnected: a runtime went away. Its containers may still run.
	Disconnected
)

// Change is news from a runtime. Which of its fields is set depends on Kind.
type Change struct {
	Kind     ChangeKind
	Resident Resident // Found; Gone with the Container only
	Runtime  Runtime  // Connected, Disconnected
}
