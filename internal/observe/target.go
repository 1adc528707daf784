package observe

import (
	"cmp"
	"errors"
	"strings"

	"bobwatch/internal/workload"
)

// Target says which containers to observe. One of Container, Pod, Workload and
// Cgroup is set.
type Target struct {
	// Expected says that the containers may start later: that none runs yet is
	// no error.
	Expected  bool
	Container string // the beginning of an ID, or a name
	Pod       Pod
	Workload  Workload
	Cgroup    string // path of a cgroup that is no container's, such as a service's
}

// Pod names a pod, or one container of it.
type Pod struct {
	Namespace, Name, Container string
}

// Workload names a workload of Kubernetes, or outside of it what bobwatch calls
// one.
type Workload struct {
	Namespace, Kind, Name string
}

// ParsePod reads NAMESPACE/NAME or NAMESPACE/NAME/CONTAINER.
func ParsePod(text string) (Pod, error) {
	parts := strings.Split(text, "/")
	if len(parts) == 2 {
		parts = append(parts, "")
	} else if len(parts) == 3 && parts[2] == "" {
		parts = nil
	}
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" {
		return Pod{}, errors.New("want NAMESPACE/NAME or NAMESPACE/NAME/CONTAINER")
	}
	return Pod{parts[0], parts[1], parts[2]}, nil
}

// kinds are the short forms that kubectl knows.
var kinds = map[string]string{
	"deploy": "Deployment", "deployment": "Deployment", "deployments": "Deployment",
	"sts": "StatefulSet", "statefulset": "StatefulSet", "statefulsets": "StatefulSet",
	"ds": "DaemonSet", "daemonset": "DaemonSet", "daemonsets": "DaemonSet",
	"rs": "ReplicaSet", "replicaset": "ReplicaSet", "replicasets": "ReplicaSet",
	"job": "Job", "jobs": "Job",
	"cj": "CronJob", "cronjob": "CronJob", "cronjobs": "CronJob",
	"po": "Pod", "pod": "Pod", "pods": "Pod",
}

// ParseWorkload reads NAMESPACE/KIND/NAME. KIND may be as short as kubectl
// takes it. Names outside of Kubernetes may hold a slash.
func ParseWorkload(text string) (Workload, error) {
	parts := strings.SplitN(text, "/", 3)
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return Workload{}, errors.New("want NAMESPACE/KIND/NAME")
	}
	return Workload{parts[0], cmp.Or(kinds[strings.ToLower(parts[1])], parts[1]), parts[2]}, nil
}

// matches reports whether a container is one of those to observe.
func (t *Target) matches(c *workload.Container) bool {
	switch {
	case c.Sandbox:
		return false
	case t.Container != "":
		return strings.HasPrefix(c.ID, t.Container) || c.Name == t.Container
	case t.Pod != Pod{}:
		return c.Namespace == t.Pod.Namespace && c.Pod == t.Pod.Name &&
			(t.Pod.Container == "" || c.Name == t.Pod.Container)
	case t.Workload != Workload{}:
		return c.Namespace == t.Workload.Namespace && c.Owner.Kind == t.Workload.Kind && c.Owner.Name == t.Workload.Name
	}
	return c.CgroupPath == t.Cgroup
}

// String names the target in messages.
func (t *Target) String() string {
	switch {
	case t.Container != "":
		return "container " + t.Container
	case t.Pod.Container != "":
		return "container " + t.Pod.Container + " of pod " + t.Pod.Namespace + "/" + t.Pod.Name
	case t.Pod != Pod{}:
		return "pod " + t.Pod.Namespace + "/" + t.Pod.Name
	case t.Workload != Workload{}:
		return t.Workload.Kind + " " + t.Workload.Namespace + "/" + t.Workload.Name
	}
	return "cgroup " + t.Cgroup
}
