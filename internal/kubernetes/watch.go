package kubernetes

import (
	"context"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"go.uber.org/zap"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// selection chooses the objects of the cluster to follow.
type selection struct {
	resource  string // such as pods
	namespace string // empty for all
	label     string // selector
	field     string // selector
	example   runtime.Object
}

// follow keeps store like the selection until ctx ends. After an outage it goes
// on where it was if the API server still knows, so that a restart of it makes
// no node list everything again; attempts are at most half a minute apart, and
// no two nodes' fall together.
func (c *Client) follow(ctx context.Context, s selection, store cache.ReflectorStore) {
	source := cache.NewFilteredListWatchFromClient(c.core, s.resource, s.namespace, func(o *metav1.ListOptions) {
		o.LabelSelector, o.FieldSelector = s.label, s.field
	})
	log := watchLogger(c.log)
	reflector := cache.NewReflectorWithOptions(source, s.example, store, cache.ReflectorOptions{Name: s.resource, Logger: &log})
	reflector.RunWithContext(klog.NewContext(ctx, log))
}

// LogTo makes client-go write to log what it would write to stderr, in a format
// of its own. It is to be called once, before everything else.
func LogTo(log *zap.Logger) { klog.SetLogger(watchLogger(log)) }

// watchLogger writes what client-go has to say of its errors.
func watchLogger(log *zap.Logger) logr.Logger {
	return funcr.New(func(_, text string) {
		log.Warn("follow API server", zap.String("detail", text))
	}, funcr.Options{})
}
