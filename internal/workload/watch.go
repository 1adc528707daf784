package workload

import (
	"context"
	"fmt"
	"time"

	"github.com/containerd/containerd/api/events"
	eventsv1 "github.com/containerd/containerd/api/services/events/v1"
	"github.com/containerd/containerd/api/types"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// resyncInterval is how often everything is listed again while connected: an
// event that containerd published between its start of our subscription and
// our listing, or dropped, is made up for then.
const resyncInterval = time.Minute

// firstReconnectPause is the pause after the first failure; it doubles.
const firstReconnectPause = 50 * time.Millisecond

// taskKey names a task of one containerd.
type taskKey struct {
	namespace, id string
}

// watch follows containerd's tasks until ctx ends, over its restarts.
func (c *containerd) watch(ctx context.Context, log *zap.Logger, report func(Change)) {
	w := &watcher{containerd: c, log: log, report: report, tasks: make(map[taskKey]Container)}
	pause, failures := time.Duration(0), 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if !c.present() {
			pause, failures = maxReconnectPause, 0
			continue
		}
		c.conn.ResetConnectBackoff()
		err := w.session(ctx)
		if w.disconnect() {
			pause, failures = 0, 0
		}
		if failures == 0 && ctx.Err() == nil {
			log.Warn("containerd is not reachable", zap.Error(err))
		}
		failures++
		pause = min(max(2*pause, firstReconnectPause), maxReconnectPause)
	}
}

// watcher tracks the tasks of one containerd. One goroutine uses it.
type watcher struct {
	*containerd
	log       *zap.Logger
	report    func(Change)
	connected *Runtime              // nil unless reported as Connected and not as Disconnected
	tasks     map[taskKey]Container // those reported as Found and not as Gone
}

// connect reports that containerd answers, once per connection.
func (w *watcher) connect() {
	if w.connected != nil {
		return
	}
	rt, _ := w.runtime()
	w.connected = &rt
	w.log.Info("connected to containerd", zap.Uint32("pid", rt.PID))
	w.report(Change{Kind: Connected, Runtime: rt})
}

// disconnect reports that a connection ended, and whether there was one.
func (w *watcher) disconnect() bool {
	if w.connected == nil {
		return false
	}
	w.report(Change{Kind: Disconnected, Runtime: *w.connected})
	w.connected = nil
	return true
}

// session subscribes, lists, and follows the events until the connection ends.
func (w *watcher) session(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := w.events.Subscribe(ctx, &eventsv1.SubscribeRequest{
		Filters: []string{`topic=="/tasks/start"`, `topic=="/tasks/delete"`},
	})
	if err != nil {
		return fmt.Errorf("subscribe to events: %w", err)
	}
	if err := w.reconcile(ctx); err != nil {
		return err
	}
	envelopes, failed := receive(ctx, stream)
	resync := time.NewTicker(resyncInterval)
	defer resync.Stop()
	for {
		select {
		case envelope := <-envelopes:
			err = w.handle(ctx, envelope)
		case <-resync.C:
			err = w.reconcile(ctx)
		case err = <-failed:
		}
		if err != nil {
			return err
		}
	}
}

// receive reads the stream until it fails or ctx ends, in a goroutine that
// ends with it.
func receive(ctx context.Context, stream eventsv1.Events_SubscribeClient) (<-chan *types.Envelope, <-chan error) {
	envelopes, failed := make(chan *types.Envelope), make(chan error, 1)
	go func() {
		for {
			envelope, err := stream.Recv()
			if err != nil {
				failed <- fmt.Errorf("receive events: %w", err)
				return
			}
			select {
			case envelopes <- envelope:
			case <-ctx.Done():
				return
			}
		}
	}()
	return envelopes, failed
}

// reconcile lists all tasks and reports the difference to the known ones.
func (w *watcher) reconcile(ctx context.Context) error {
	residents, err := w.running(ctx)
	if err != nil {
		return err
	}
	w.connect()
	present := make(map[taskKey]bool, len(residents))
	for _, resident := range residents {
		present[taskKey{resident.RuntimeNamespace, resident.ID}] = true
	}
	for key := range w.tasks {
		if !present[key] {
			w.gone(key)
		}
	}
	for _, resident := range residents {
		w.found(resident)
	}
	return nil
}

// handle follows one event. Only a lost connection is an error.
func (w *watcher) handle(ctx context.Context, envelope *types.Envelope) error {
	switch envelope.GetTopic() {
	case "/tasks/start":
		var e events.TaskStart
		if err := envelope.GetEvent().UnmarshalTo(&e); err != nil {
			return fmt.Errorf("read event: %w", err)
		}
		return w.started(ctx, taskKey{envelope.GetNamespace(), e.GetContainerID()}, e.GetPid())
	case "/tasks/delete":
		var e events.TaskDelete
		if err := envelope.GetEvent().UnmarshalTo(&e); err != nil {
			return fmt.Errorf("read event: %w", err)
		}
		if e.GetID() == "" || e.GetID() == e.GetContainerID() { // else it was an exec's
			w.gone(taskKey{envelope.GetNamespace(), e.GetContainerID()})
		}
	}
	return nil
}

// started looks up a container whose task started. One that is gone by then,
// or whose record cannot be read, is nobody's.
func (w *watcher) started(ctx context.Context, key taskKey, pid uint32) error {
	ctx, cancel := context.WithTimeout(inNamespace(ctx, key.namespace), callTimeout)
	defer cancel()
	r, err := w.record(ctx, key.namespace, key.id)
	if err != nil {
		return lostConnection(err)
	}
	found, err := w.describe(ctx, r)
	if err != nil {
		return lostConnection(err)
	}
	if resident, ok := w.resident(found, pid); ok {
		w.found(resident)
	}
	return nil
}

// lostConnection returns err if it says that containerd did not answer, nil if
// it answered with an error.
func lostConnection(err error) error {
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		return err
	}
	return nil
}

// found reports a container unless it was reported with the same cgroup.
func (w *watcher) found(resident Resident) {
	key := taskKey{resident.RuntimeNamespace, resident.ID}
	if old, ok := w.tasks[key]; ok {
		if old.CgroupID == resident.CgroupID {
			return
		}
		w.gone(key) // the same record was started again while nobody listened
	}
	w.tasks[key] = resident.Container
	w.report(Change{Kind: Found, Resident: resident})
}

func (w *watcher) gone(key taskKey) {
	old, ok := w.tasks[key]
	if !ok {
		return
	}
	delete(w.tasks, key)
	w.report(Change{Kind: Gone, Resident: Resident{Container: old}})
}
