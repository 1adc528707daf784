package kubernetes

import (
	"errors"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// scheme knows the types that are read and written, and no others: what it
// knows is linked with all of its methods.
var scheme = newScheme()

func newScheme() *runtime.Scheme {
	s := runtime.NewScheme()
	s.AddKnownTypes(corev1.SchemeGroupVersion,
		&corev1.Pod{}, &corev1.PodList{},
		&corev1.ConfigMap{}, &corev1.ConfigMapList{},
		&corev1.Event{},
	)
	metav1.AddToGroupVersion(s, corev1.SchemeGroupVersion)
	if err := metav1.AddMetaToScheme(s); err != nil {
		panic(err) // of types that contradict each other
	}
	return s
}

// codecs neither convert nor fill in defaults: the API server has done so.
var codecs = serializer.NewCodecFactory(scheme).WithoutConversion()

const protobuf = "application/vnd.kubernetes.protobuf"

// restConfig says where the API server is, and who the agent is.
func restConfig(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		return rest.InClusterConfig()
	}
	return clientcmd.BuildConfigFromFlags("", kubeconfig)
}

func newCore(config *rest.Config, version string, m *metrics) (*rest.RESTClient, error) {
	config = rest.CopyConfig(config)
	config.APIPath = "/api"
	config.GroupVersion = &schema.GroupVersion{Version: "v1"}
	config.NegotiatedSerializer = codecs
	config.ContentType = protobuf
	config.AcceptContentTypes = protobuf + ",application/json"
	config.UserAgent = "bobwatch-agent/" + version
	config.WarningHandler = rest.NoWarnings{} // which are for people at a keyboard
	config.QPS = -1                           // each part has a limit of its own
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return counting{next, m} })
	return rest.RESTClientFor(config)
}

// counting counts requests by how they were answered.
type counting struct {
	next    http.RoundTripper
	metrics *metrics
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := c.next.RoundTrip(r)
	status := 0
	if err == nil {
		status = response.StatusCode
	}
	c.metrics.countRequest(status)
	return response, err
}

// requestTimeout bounds one request that is no watch.
const requestTimeout = 30 * time.Second

// What to accept for metadata only.
const (
	acceptMetadata     = protobuf + ";as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
	acceptMetadataList = protobuf + ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
)

// newPauses returns the pauses between attempts to reach the API server.
func newPauses() *backoff.ExponentialBackOff {
	pauses := backoff.NewExponentialBackOff() // half of each is left to chance
	pauses.InitialInterval, pauses.MaxInterval = 500*time.Millisecond, 30*time.Second
	return pauses
}

// Refused reports whether the API server answered with an error that trying
// again does not help against.
func Refused(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	switch status.Status().Code {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone,
		http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return false
}
