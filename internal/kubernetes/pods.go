package kubernetes

import (
	"context"
	"maps"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"bobwatch/internal/workload"
)

// Pod is the API server's record of a pod of the node. Its maps must not be changed.
type Pod struct {
	// UID is the runtime's UID of the pod. For a pod from a file of the kubelet
	// it differs from the UID of the API server.
	UID, Namespace, Name string
	Labels               map[string]string // at most 64 of them
	// Owner is the top owner. It is zero if the API server does not show it:
	// the runtime's labels are the best guess then.
	Owner           workload.Owner
	OwnerUID        string
	OwnerAPIVersion string
	// Containers are the types of the pod's containers by name, values of
	// workload.Container.Type.
	Containers map[string]string
	Settings   Settings
}

// PodID identifies a pod as the runtime does. The UID alone is not unique: a user who
// can create pods can claim in an annotation that a pod mirrors a pod from a file, and
// choose that pod's UID. The pair of namespace and name is unique.
type PodID struct{ Namespace, Name, UID string }

func (p *Pod) id() PodID { return PodID{Namespace: p.Namespace, Name: p.Name, UID: p.UID} }

// Pods are the pods of the node.
type Pods struct {
	client  *Client
	changed func(podUID string)
	ending  func(PodID)
	owners  *owners

	mu    sync.Mutex
	pods  map[PodID]*podRecord
	added chan struct{} // closed when pods has one more
}

// podRecord is the part of a pod that is kept. It is immutable.
type podRecord struct {
	Pod         // without owner and settings
	annotations map[string]string
	controller  *metav1.OwnerReference
}

// Pods returns the pods of the node, which Run keeps up to date. It calls
// changed with the UID of a pod whose labels, settings or containers changed, but not
// for a new pod, and ending with the PodID of a pod that is being deleted, both from its
// own goroutine. A changed pod may claim to mirror another, see PodID.
func (c *Client) Pods(changed func(podUID string), ending func(PodID)) *Pods {
	return &Pods{
		client:  c,
		changed: changed,
		ending:  ending,
		owners:  newOwners(c),
		pods:    map[PodID]*podRecord{},
		added:   make(chan struct{}),
	}
}

// Run follows the API server until ctx ends, through outages of any length.
func (p *Pods) Run(ctx context.Context) error {
	p.client.follow(ctx, selection{
		resource: "pods",
		field:    fields.OneTermEqualSelector("spec.nodeName", p.client.options.Node).String(),
		example:  &corev1.Pod{},
	}, podStore{p})
	return nil
}

// Lookup waits until the pod is known and its top owner is found. An error is
// that of ctx.
func (p *Pods) Lookup(ctx context.Context, id PodID) (Pod, error) {
	r, err := p.wait(ctx, id)
	if err != nil {
		return Pod{}, err
	}
	pod := r.Pod
	top, err := p.owners.top(ctx, r)
	if err != nil {
		return Pod{}, err
	}
	if top.known {
		pod.Owner = workload.Owner{Kind: top.kind, Name: top.name}
		pod.OwnerUID, pod.OwnerAPIVersion = top.uid, top.apiVersion
	}
	var wrong []error
	pod.Settings, wrong = parseSettings(r.annotations, r.Labels, top.annotations, top.labels)
	wrong = append(wrong, pod.Settings.bound(id.Namespace, p.client.options.Settings)...)
	for _, err := range wrong {
		p.client.badSetting(&pod, err)
	}
	return pod, nil
}

func (p *Pods) wait(ctx context.Context, id PodID) (*podRecord, error) {
	for {
		p.mu.Lock()
		r, added := p.pods[id], p.added
		p.mu.Unlock()
		if r != nil {
			return r, nil
		}
		select {
		case <-added:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// set keeps r, and reports whether somebody may have been told otherwise.
func (p *Pods) set(r *podRecord) (changed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := r.id()
	old := p.pods[id]
	p.pods[id] = r
	p.client.metrics.pods.Set(float64(len(p.pods)))
	if old == nil {
		close(p.added)
		p.added = make(chan struct{})
		return false
	}
	return !maps.Equal(old.Labels, r.Labels) || !maps.Equal(old.annotations, r.annotations) || !maps.Equal(old.Containers, r.Containers)
}

func (p *Pods) remove(id PodID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pods, id)
	p.client.metrics.pods.Set(float64(len(p.pods)))
}

// retain forgets all pods but those in listed.
func (p *Pods) retain(listed map[PodID]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.pods, func(id PodID, _ *podRecord) bool { return !listed[id] })
	p.client.metrics.pods.Set(float64(len(p.pods)))
}
