package kubernetes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Component is the source of all Events.
const Component = "bobwatch"

// maxMessage is the most bytes that the API server takes for a message of an
// Event (k8s.io/kubernetes/pkg/apis/core/validation).
const maxMessage = 1024

// Event is a warning about an object, which `kubectl describe` shows with it.
type Event struct {
	APIVersion, Kind, Namespace, Name, UID string // of the object

	// FieldPath names the container in a pod: spec.containers{NAME}.
	FieldPath string

	Reason  string // one word
	Message string
	// Key distinguishes the Events of the object. Events with the same meaning
	// have the same key on all nodes.
	Key         string
	Count       uint64
	First, Last time.Time
}

// name is that of the Event's own object.
func (e *Event) name() string {
	digest := sha256.Sum256([]byte(e.Kind + "\x00" + e.UID + "\x00" + e.Reason + "\x00" + e.Key))
	return cutName(e.Name, maxName-17) + "." + hex.EncodeToString(digest[:8])
}

func (e *Event) object(node string) *corev1.Event {
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: e.Namespace, Name: e.name()},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: e.APIVersion, Kind: e.Kind, Namespace: e.Namespace, Name: e.Name, UID: types.UID(e.UID),
			FieldPath: e.FieldPath,
		},
		Type:           corev1.EventTypeWarning,
		Reason:         e.Reason,
		Message:        printable(e.Message),
		Source:         corev1.EventSource{Component: Component, Host: node},
		Count:          e.count(),
		FirstTimestamp: metav1.NewTime(e.First),
		LastTimestamp:  metav1.NewTime(e.Last),
	}
}

func (e *Event) count() int32 { return int32(min(e.Count, 1<<31-1)) }

// CreateEvent makes the Event, unless there is one of the same key.
func (c *Client) CreateEvent(ctx context.Context, e *Event) error {
	err := c.core.Post().Namespace(e.Namespace).Resource("events").Throttle(c.events.limit).
		Timeout(requestTimeout).Body(e.object(c.options.Node)).Do(ctx).Error()
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// UpdateEvent brings the Event up to date, or makes it.
func (c *Client) UpdateEvent(ctx context.Context, e *Event) error {
	if e.Count > 1 {
		if err := c.patchEvent(ctx, e); !apierrors.IsNotFound(err) {
			return err
		}
	}
	err := c.core.Post().Namespace(e.Namespace).Resource("events").Throttle(c.events.limit).
		Timeout(requestTimeout).Body(e.object(c.options.Node)).Do(ctx).Error()
	if apierrors.IsAlreadyExists(err) {
		return c.patchEvent(ctx, e)
	}
	return err
}

func (c *Client) patchEvent(ctx context.Context, e *Event) error {
	o := e.object(c.options.Node)
	patch, err := json.Marshal(map[string]any{
		"message": o.Message, "count": o.Count, "firstTimestamp": o.FirstTimestamp, "lastTimestamp": o.LastTimestamp,
	})
	if err != nil {
		return fmt.Errorf("write patch of event: %w", err)
	}
	return c.core.Patch(types.MergePatchType).Namespace(e.Namespace).Resource("events").Name(o.Name).
		Throttle(c.events.limit).Timeout(requestTimeout).Body(patch).Do(ctx).Error()
}

// printable cuts a message to the length that the API server accepts, and makes it
// valid text.
func printable(message string) string {
	message = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, message) // which turns invalid UTF-8 into U+FFFD
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage-len("…")], "") + "…"
	}
	return message
}
