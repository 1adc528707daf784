package kubernetes

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/flowcontrol"

	"bobwatch/internal/workload"
)

// The bounds of the load that one node makes for the API server.
const (
	// learnedRate and learnedBurst bound the requests a second for what Run does.
	learnedRate, learnedBurst = 5, 20
	// loadRate and loadBurst bound those of Load: a node that starts has many
	// containers at once.
	loadRate, loadBurst = 20, 200
	// maxSpread is the time over which nodes spread their writes after they
	// learned something at the same moment.
	maxSpread = 30 * time.Second
	// A record is looked at again after firstLook, and each time that it was
	// found unchanged after twice as long, up to lastLook.
	firstLook, lastLook = time.Minute, 30 * time.Minute
	// refusedPause is after how long the API server is asked for something again
	// that it refused.
	refusedPause = 10 * time.Minute
	// spreadShare is the part of a window that the times above are at most: who
	// learns for a minute does not wait for half of it.
	spreadShare = 20
	// maxShared bounds the workload containers of a node.
	maxShared = 8192
)

// Subject is the workload container that a Record is about.
type Subject struct {
	Key workload.Key
	// OwnerUID and OwnerAPIVersion are those of the top owner, with whom the
	// record goes. Empty, it stays.
	OwnerUID, OwnerAPIVersion string
	Image                     string // with the tag, for people
}

// Learned shares learned profiles between all nodes, in ConfigMaps: one for each
// workload container and image. They are in a namespace of the agents: in the
// workload's namespace, a tenant that may write ConfigMaps could forge the learned
// profile of its workload.
//
// A node reads a record when it has learned something, and from time to time its
// metadata, and writes only the facts that the record lacks. Once nothing is new
// there are no writes, and two reads of a kilobyte an hour.
type Learned struct {
	client    *Client
	merged    func(key workload.Key, r Record)
	limit     flowcontrol.RateLimiter
	loadLimit flowcontrol.RateLimiter
	wake      chan struct{}

	mu     sync.Mutex
	shared map[workload.Key]*shared
}

// shared is this node's state of one record. Learned.mu guards its fields.
type shared struct {
	subject Subject
	put     *Record // to be joined with the cluster's; nil if nothing is
	due     time.Time
	wanted  bool // somebody wants to know what others learn

	version string            // of the ConfigMap as it was seen last
	own     *corev1.ConfigMap // what was put or loaded last, should the cluster lose it
	look    time.Duration     // until it is looked at again
	window  time.Duration
}

// Learned returns the learned profiles of the cluster. Run calls merged, from its own
// goroutine, with the facts of all nodes about a workload container: when the facts of
// Put have been joined with them, even if they were there already, and when other nodes
// have added facts since.
func (c *Client) Learned(merged func(key workload.Key, r Record)) *Learned {
	return &Learned{
		client:    c,
		merged:    merged,
		limit:     flowcontrol.NewTokenBucketRateLimiter(learnedRate, learnedBurst),
		loadLimit: flowcontrol.NewTokenBucketRateLimiter(loadRate, loadBurst),
		wake:      make(chan struct{}, 1),
		shared:    map[workload.Key]*shared{},
	}
}

// Shares reports whether profiles of workloads in the namespace are shared.
func (l *Learned) Shares(namespace string) bool { return l.client.allowed(namespace) }

func (l *Learned) namespace() string { return l.client.options.LearnedNamespace }

// Put hands over all facts of this node, each time. It does not wait. r.Profile must not
// be changed afterwards.
func (l *Learned) Put(s Subject, r Record) {
	if !l.client.allowed(s.Key.Namespace) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entry(s.Key)
	if e == nil {
		return
	}
	e.subject, e.window = s, r.Window
	if e.put == nil {
		e.due = time.Now().Add(rand.N(e.spread(maxSpread)))
		l.client.metrics.learned.pending.Inc()
	}
	e.put = &r
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Forget ends the interest in facts of other nodes about the container. Facts of Put are
// still written.
func (l *Learned) Forget(key workload.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.shared[key]
	if e == nil {
		return
	}
	if e.wanted = false; e.put == nil {
		delete(l.shared, key)
	}
}

// entry returns the entry of key, or nil if there is no room for one. It is called with
// mu held.
func (l *Learned) entry(key workload.Key) *shared {
	e := l.shared[key]
	if e == nil {
		if len(l.shared) >= maxShared {
			l.client.metrics.learned.failures.full.Inc()
			return nil
		}
		e = &shared{subject: Subject{Key: key}}
		l.shared[key] = e
	}
	e.wanted = true
	return e
}

// spread returns a time of at most d that suits the window.
func (e *shared) spread(d time.Duration) time.Duration {
	return max(min(d, e.window/spreadShare), time.Second/2)
}

// Run writes and reads until ctx ends.
func (l *Learned) Run(ctx context.Context) error {
	pauses := newPauses()
	for {
		key, wait := l.next(time.Now())
		if wait > 0 {
			if !l.sleep(ctx, wait) {
				return nil
			}
			continue
		}
		err := l.settle(ctx, key)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			pauses.Reset()
		case !sleep(ctx, pauses.NextBackOff()): // it is the same for all records
			return nil
		}
	}
}

// next returns the key that is due first, and the time until then.
func (l *Learned) next(now time.Time) (workload.Key, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first, wait := workload.Key{}, lastLook
	for key, e := range l.shared {
		if in := e.due.Sub(now); in < wait {
			first, wait = key, in
		}
	}
	return first, wait
}

// sleep waits until something may be due, and reports whether ctx goes on.
func (l *Learned) sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.wake:
	case <-ctx.Done():
		return false
	}
	return true
}

// allowed reports whether ConfigMaps of the namespace are the agent's affair.
func (c *Client) allowed(namespace string) bool {
	return len(c.options.Namespaces) == 0 || slices.Contains(c.options.Namespaces, namespace)
}
