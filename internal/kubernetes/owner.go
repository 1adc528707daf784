package kubernetes

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"
	"golang.org/x/sync/singleflight"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/flowcontrol"
)

const (
	// ownerLifetime is how long an owner is cached. A setting on a Deployment
	// takes effect for pods that start later than that.
	ownerLifetime = time.Minute
	// maxOwners bounds the owners that are remembered: some for each pod that a
	// node can have.
	maxOwners = 2048
	// Questions about owners a second, and at once when a node starts.
	ownerRate, ownerBurst = 20, 200
)

// owner is a top owner.
type owner struct {
	known                       bool
	kind, name, uid, apiVersion string
	// Of its own, the settings only.
	labels, annotations map[string]string
}

// resources are the owners that are asked about: those that may have an owner
// themselves, and those that people put settings on.
var resources = map[metav1.TypeMeta]string{
	{APIVersion: "apps/v1", Kind: "ReplicaSet"}:  "replicasets",
	{APIVersion: "apps/v1", Kind: "Deployment"}:  "deployments",
	{APIVersion: "apps/v1", Kind: "StatefulSet"}: "statefulsets",
	{APIVersion: "apps/v1", Kind: "DaemonSet"}:   "daemonsets",
	{APIVersion: "batch/v1", Kind: "Job"}:        "jobs",
	{APIVersion: "batch/v1", Kind: "CronJob"}:    "cronjobs",
}

// owners finds the top owner of a pod.
type owners struct {
	client *Client
	limit  flowcontrol.RateLimiter
	flight singleflight.Group // by uid

	mu    sync.Mutex
	known map[string]*ownerMeta // by uid
}

// ownerMeta is the part of an owner's metadata that is kept.
type ownerMeta struct {
	labels, annotations map[string]string
	controller          *metav1.OwnerReference
	hidden              bool // it is gone, or may not be read
	until               time.Time
}

func newOwners(c *Client) *owners {
	return &owners{
		client: c,
		limit:  flowcontrol.NewTokenBucketRateLimiter(ownerRate, ownerBurst),
		known:  map[string]*ownerMeta{},
	}
}

// top walks from a pod's controller to the top. The error is that of ctx.
func (o *owners) top(ctx context.Context, r *podRecord) (owner, error) {
	ref := r.controller
	if ref == nil || ref.Kind == "Node" { // whose pods are those of its files
		return owner{known: true, kind: "Pod", name: r.Name, uid: r.UID, apiVersion: "v1"}, nil
	}
	if !plausible(ref) {
		return owner{}, nil
	}
	meta, err := o.meta(ctx, r.Namespace, ref)
	if err != nil {
		return owner{}, err
	}
	if between := ref.Kind == "ReplicaSet" || ref.Kind == "Job"; between && meta.hidden {
		return owner{}, nil // it may have an owner or not
	} else if between && meta.controller != nil {
		ref = meta.controller
		if meta, err = o.meta(ctx, r.Namespace, ref); err != nil {
			return owner{}, err
		}
	}
	return owner{
		known: true, kind: ref.Kind, name: ref.Name, uid: string(ref.UID), apiVersion: ref.APIVersion,
		labels: meta.labels, annotations: meta.annotations,
	}, nil
}

// plausible reports whether a reference can be to the object that it names. The user
// who made the pod may have written the reference.
func plausible(ref *metav1.OwnerReference) bool {
	return len(ref.Kind) <= maxLabelValue && len(ref.Name) <= maxName && len(content.IsPathSegmentName(ref.Name)) == 0
}

// meta returns the metadata of an owner, waiting for the API server if need
// be; nothing of one that is not asked about. The error is that of ctx.
func (o *owners) meta(ctx context.Context, namespace string, ref *metav1.OwnerReference) (*ownerMeta, error) {
	resource := resources[metav1.TypeMeta{APIVersion: ref.APIVersion, Kind: ref.Kind}]
	if resource == "" {
		return &ownerMeta{}, nil
	}
	path := fmt.Sprintf("/apis/%s/namespaces/%s/%s/%s", ref.APIVersion, namespace, resource, ref.Name)
	return backoff.Retry(ctx, func() (*ownerMeta, error) {
		// The first caller asks for all callers, so the ctx of none may end the request.
		answer := o.flight.DoChan(string(ref.UID), func() (any, error) { return o.get(path, ref) })
		select {
		case result := <-answer:
			m, _ := result.Val.(*ownerMeta)
			return m, result.Err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}, backoff.WithBackOff(newPauses()), backoff.WithMaxElapsedTime(0))
}

func (o *owners) cached(uid string) *ownerMeta {
	o.mu.Lock()
	defer o.mu.Unlock()
	if m := o.known[uid]; m != nil && time.Now().Before(m.until) {
		return m
	}
	return nil
}

// get asks the API server once. An error may be gone the next time.
func (o *owners) get(path string, ref *metav1.OwnerReference) (*ownerMeta, error) {
	if m := o.cached(string(ref.UID)); m != nil {
		return m, nil // who asked before was answered in between
	}
	if m := o.cached(string(ref.UID)); m != nil { // by a flight that has just landed
		return m, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	m := &ownerMeta{until: time.Now().Add(ownerLifetime)}
	found, err := o.client.metadata(ctx, path, "", o.limit)
	switch {
	case err == nil && found.UID == ref.UID:
		m.controller = metav1.GetControllerOf(found)
		m.labels, m.annotations = pick(found.Labels, settingKeys), pick(found.Annotations, settingKeys)
	case err == nil: // another of the same name
		m.hidden = true
	case Refused(err):
		m.hidden = true
		o.client.log.Warn("read owner of pod", zap.String("kind", ref.Kind), zap.Error(err))
	default:
		return nil, err
	}
	o.keep(string(ref.UID), m)
	return m, nil
}

func (o *owners) keep(uid string, m *ownerMeta) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.known) >= maxOwners {
		now := time.Now()
		maps.DeleteFunc(o.known, func(_ string, m *ownerMeta) bool { return now.After(m.until) })
	}
	if len(o.known) < maxOwners {
		o.known[uid] = m
	}
}

// metadata reads nothing of an object but its metadata. version is as of
// metav1.GetOptions.
func (c *Client) metadata(ctx context.Context, path, version string, limit flowcontrol.RateLimiter) (*metav1.PartialObjectMetadata, error) {
	found := &metav1.PartialObjectMetadata{}
	err := c.core.Get().AbsPath(path).
		VersionedParams(&metav1.GetOptions{ResourceVersion: version}, metav1.ParameterCodec).
		Throttle(limit).Timeout(requestTimeout).
		SetHeader("Accept", acceptMetadata).Do(ctx).Into(found)
	return found, err
}
