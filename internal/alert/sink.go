package alert

import (
	"context"
	"sync/atomic"

	"go.uber.org/zap"
)

// Sink delivers alerts to one destination. Send is called by one goroutine at
// a time, with the alerts in the order in which they were raised, and returns
// when ctx ends. An alert may come again with the same fingerprint and a higher
// count. Alerts are shared with other sinks: Send leaves them unchanged. nil
// means delivered.
type Sink interface {
	Name() string // a constant; it labels metrics
	Send(ctx context.Context, alerts []Alert) error
}

// maxBatch bounds the alerts of one Send.
const maxBatch = 64

// delivery is a sink with its queue, its goroutine and its counters.
type delivery struct {
	sink  Sink
	queue chan *Alert
	log   *zap.Logger

	delivered atomic.Uint64
	failures  atomic.Uint64 // sends, not alerts
	dropped   [numDrops]atomic.Uint64
}

// drop is a reason for which a sink did not get an alert.
type drop uint8

const (
	dropQueueFull drop = iota
	dropSendFailed
	dropShutdown

	numDrops = iota
)

var dropNames = [numDrops]string{
	dropQueueFull:  "queue_full",
	dropSendFailed: "send_failed",
	dropShutdown:   "shutdown",
}

// push queues a without waiting.
func (d *delivery) push(a *Alert) {
	select {
	case d.queue <- a:
	default:
		d.dropped[dropQueueFull].Add(1)
	}
}

// run sends what is queued until the queue is closed and empty. When ctx ends,
// what is left is dropped.
func (d *delivery) run(ctx context.Context) {
	failing := false
	batch := make([]Alert, 0, maxBatch)
	for first := range d.queue {
		batch = d.fill(append(batch[:0], *first))
		if ctx.Err() != nil {
			d.dropped[dropShutdown].Add(uint64(len(batch)))
			continue
		}
		err := d.sink.Send(ctx, batch)
		switch {
		case err == nil:
			d.delivered.Add(uint64(len(batch)))
			if failing {
				d.log.Info("sink delivers again")
			}
		case ctx.Err() != nil:
			d.dropped[dropShutdown].Add(uint64(len(batch)))
		default:
			d.failures.Add(1)
			d.dropped[dropSendFailed].Add(uint64(len(batch)))
			if !failing { // once for each outage, not for each alert
				d.log.Error("sink fails", zap.Error(err))
			}
		}
		failing = err != nil
	}
}

// fill adds what is queued already.
func (d *delivery) fill(batch []Alert) []Alert {
	for len(batch) < maxBatch {
		select {
		case a, ok := <-d.queue:
			if !ok {
				return batch
			}
			batch = append(batch, *a)
		default:
			return batch
		}
	}
	return batch
}
