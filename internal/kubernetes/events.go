package kubernetes

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"
	"k8s.io/client-go/util/flowcontrol"

	"bobwatch/internal/catalog"
)

// Reasons of Events.
const (
	reasonRefused    = "DocumentRefused"
	reasonSetting    = "InvalidSetting"
	reasonTooLarge   = "ProfileTooLarge"
	reasonUnreadable = "LearnedProfileUnreadable"
)

const (
	eventQueue = 256
	// eventRate and eventBurst bound the writes of a node, with those of sinks.
	eventRate, eventBurst = 5, 50
	// eventSpread is the longest random wait before an Event is sent: if several
	// nodes have the same Event, the first one suffices.
	eventSpread = 2 * time.Second
	// eventLifetime is how long the same Event is not sent again. The API server
	// keeps Events for an hour by default.
	eventLifetime = time.Hour
	maxTold       = 4096
)

// Events reports problems of objects to users, as Events of the API server. Its callers
// never wait: Events that the queue cannot hold are counted and dropped.
type Events struct {
	client *Client
	limit  flowcontrol.RateLimiter
	queue  chan *Event

	mu   sync.Mutex
	told map[string]time.Time // by namespace and name
}

func newEvents(c *Client) *Events {
	return &Events{
		client: c,
		limit:  flowcontrol.NewTokenBucketRateLimiter(eventRate, eventBurst),
		queue:  make(chan *Event, eventQueue),
		told:   map[string]time.Time{},
	}
}

// Refused sends an Event on the ConfigMap of a document that says why the document has no
// effect. It ignores refusals from other sources.
func (e *Events) Refused(r catalog.Refusal) {
	ref, ok := e.client.published.get(r.Source)
	if !ok {
		return
	}
	effect := "it has no effect"
	if r.InForce {
		effect = "the version accepted before stays in force"
	}
	e.tell(&Event{
		APIVersion: ref.APIVersion, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name, UID: string(ref.UID),
		Reason:  reasonRefused,
		Message: fmt.Sprintf("Document %s refused (%s), %s: %v", r.Name, r.Reason, effect, r.Err),
		Key:     ref.ResourceVersion + "\x00" + r.Name + "\x00" + string(r.Reason),
	})
}

// badSetting reports a label or annotation without a meaning.
func (c *Client) badSetting(p *Pod, err error) {
	news := c.events.tell(&Event{
		APIVersion: "v1", Kind: "Pod", Namespace: p.Namespace, Name: p.Name, UID: p.UID,
		Reason:  reasonSetting,
		Message: fmt.Sprintf("A label or annotation of the pod or its owner is ignored: %v", err),
		Key:     err.Error(),
	})
	if news {
		c.metrics.badSettings.Inc()
		c.log.Warn("setting ignored", zap.String("namespace", p.Namespace), zap.String("pod", p.Name), zap.Error(err))
	}
}

// tell queues an Event with the present time, and reports whether it is new.
func (e *Events) tell(event *Event) bool {
	now := time.Now()
	event.Count, event.First, event.Last = 1, now, now
	if !e.isNews(event.Namespace+"/"+event.name(), now) {
		return false
	}
	select {
	case e.queue <- event:
	default:
		e.client.metrics.eventsDropped.queueFull.Inc()
	}
	return true
}

func (e *Events) isNews(name string, now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if told, ok := e.told[name]; ok && now.Sub(told) < eventLifetime {
		return false
	}
	if len(e.told) >= maxTold {
		clear(e.told) // some will be sent twice, which the API server folds
	}
	e.told[name] = now
	return true
}

// Run sends the queued Events until ctx ends.
func (e *Events) Run(ctx context.Context) error {
	for {
		select {
		case event := <-e.queue:
			e.send(ctx, event)
		case <-ctx.Done():
			return nil
		}
	}
}

// send tries until the API server takes or refuses the event, or ctx ends.
func (e *Events) send(ctx context.Context, event *Event) {
	if !sleep(ctx, rand.N(eventSpread)) {
		return
	}
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := e.client.CreateEvent(ctx, event)
		if Refused(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(newPauses()), backoff.WithMaxElapsedTime(0))
	switch {
	case err == nil:
		e.client.metrics.eventsSent.Inc()
	case ctx.Err() == nil:
		e.client.metrics.eventsDropped.refused.Inc()
		e.client.log.Warn("write event", zap.String("kind", event.Kind), zap.String("namespace", event.Namespace),
			zap.String("name", event.Name), zap.Error(err))
	}
}

// sleep reports whether d passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
