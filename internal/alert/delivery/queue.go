package delivery

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"

	"bobwatch/internal/alert"
)

// maxBatch bounds the alerts of one Send.
const maxBatch = 64

// Pauses after a failure. The first are short, because the flush at the end
// has seconds only.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
	// diskRetry is how long a disk that failed is left alone.
	diskRetry = 5 * time.Second
)

// delivery brings alerts to one sink: from the dispatcher through a queue in
// memory, to disk, to the sink, and off the disk again.
type delivery struct {
	route   Route
	sink    alert.Sink
	queue   chan *alert.Alert
	stopped chan struct{} // closed when nothing will be queued any more
	queued  uint64        // alerts that were ever queued; the dispatcher's mu guards it
	kept    atomic.Uint64 // of these, those that the process may end without losing, see Mark
	log     *zap.Logger
	stats   deliveryStats

	// The rest belongs to the goroutine of run.

	taken uint64 // alerts that were ever taken out of the queue
	spool *spool // nil without a file, or when it cannot be opened
	// held are alerts that are neither delivered nor on disk: all waiting alerts
	// if there is no spool, else those that a failing disk did not take. They are
	// younger than the alerts in the spool.
	held         []*alert.Alert
	diskAgain    time.Time // not before then
	diskFails    bool
	backoff      *backoff.ExponentialBackOff
	failing      bool
	refreshFails bool // apart from failing, for a sink that is idle

	singles int // alerts to be sent one by one, after they were refused together
	probe   probe
	dead    *deadLetters // nil without a queue on disk
}

// deliveryStats may be read at any time.
type deliveryStats struct {
	waiting      atomic.Int64 // alerts beyond the queue in memory
	waitingBytes atomic.Int64 // of them on disk
	delivered    atomic.Uint64
	failures     atomic.Uint64 // sends, not alerts
	retries      atomic.Uint64
	diskFailures atomic.Uint64
	dropped      [numDrops]atomic.Uint64
}

// drop is a reason for which a sink did not get an alert.
type drop uint8

const (
	dropQueueFull drop = iota
	dropRefused
	dropGivenUp
	dropShutdown
	dropUnreadable

	numDrops = iota
)

var dropNames = [numDrops]string{
	dropQueueFull:  "queue_full",
	dropRefused:    "refused",
	dropGivenUp:    "given_up",
	dropShutdown:   "shutdown",
	dropUnreadable: "unreadable",
}

// newDelivery opens the queue of route.
func newDelivery(route Route, queueLength int, log *zap.Logger) *delivery {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = firstRetry, lastRetry
	d := &delivery{
		route:   route,
		sink:    route.Sink,
		queue:   make(chan *alert.Alert, queueLength),
		stopped: make(chan struct{}),
		log:     log.With(zap.String("sink", route.Sink.Name())),
		backoff: pauses,
	}
	if route.Queue != "" {
		d.dead = &deadLetters{path: route.Queue + deadSuffix}
	}
	d.open()
	return d
}

// open opens the queue on disk, if there is to be one. An agent that cannot has
// more important things to do than to end; it tries again later.
func (d *delivery) open() {
	if d.spool != nil || d.route.Queue == "" {
		return
	}
	spool, restored, err := openSpool(d.route.Queue, d.route.QueueBytes)
	if err != nil {
		d.diskFailed(err)
		return
	}
	d.spool = spool
	if restored.damage != nil {
		d.log.Error("the queue on disk was damaged; some alerts may be lost", zap.Error(restored.damage))
	}
	d.stats.dropped[dropUnreadable].Add(uint64(restored.unreadable))
	d.stats.dropped[dropQueueFull].Add(uint64(restored.refused))
	d.count()
}

// push queues a without waiting, if it is severe enough for the sink.
func (d *delivery) push(a *alert.Alert) {
	if a.Severity < d.route.MinSeverity {
		return
	}
	select {
	case d.queue <- a:
		d.queued++
	default:
		d.stats.dropped[dropQueueFull].Add(1)
	}
}

// run delivers until stopped is closed and nothing waits, or ctx ends. Alerts on
// disk then stay there for the next start; others are dropped.
func (d *delivery) run(ctx context.Context) {
	retry := time.NewTimer(0) // for what an earlier run left on disk
	defer retry.Stop()
	refresh := d.route.refreshes()
	if refresh != nil {
		defer refresh.Stop()
	}
	defer d.finish()
	for {
		select {
		case a := <-d.intake():
			d.hold(a)
			d.take(maxBatch)
			if d.failing {
				continue // retry is running
			}
		case <-retry.C:
		case <-tick(refresh):
			d.refresh(ctx)
			continue
		case <-d.stopped:
			d.take(cap(d.queue))
			d.deliver(ctx)
			return
		case <-ctx.Done():
			return
		}
		if wait := d.deliver(ctx); wait > 0 {
			retry.Reset(wait)
		}
	}
}

// intake is where new alerts come from; nowhere while there is no room.
func (d *delivery) intake() <-chan *alert.Alert {
	if len(d.held) >= maxBatch {
		return nil
	}
	return d.queue
}

// take moves up to n alerts out of the queue, to disk if possible.
func (d *delivery) take(n int) {
	for ; n > 0; n-- {
		select {
		case a := <-d.queue:
			d.hold(a)
			continue
		default:
		}
		break
	}
	d.save()
}

func (d *delivery) hold(a *alert.Alert) {
	d.held = append(d.held, a)
	d.taken++
}

// save moves the held alerts to disk.
func (d *delivery) save() {
	defer d.count()
	if len(d.held) == 0 || time.Now().Before(d.diskAgain) {
		return
	}
	if d.open(); d.spool == nil {
		return
	}
	refused, err := d.spool.add(d.held)
	if err != nil {
		d.diskFailed(err)
		return
	}
	d.stats.dropped[dropQueueFull].Add(uint64(refused))
	d.held, d.diskFails = nil, false
}

func (d *delivery) diskFailed(err error) {
	d.stats.diskFailures.Add(1)
	d.diskAgain = time.Now().Add(diskRetry)
	if !d.diskFails { // once for each outage
		d.log.Error("queue on disk fails; alerts wait in memory", zap.Error(err))
	}
	d.diskFails = true
}

// deliver sends the waiting alerts until none is left, or a delivery fails. Then it
// returns the time until the next try.
func (d *delivery) deliver(ctx context.Context) time.Duration {
	for ctx.Err() == nil {
		d.take(maxBatch - len(d.held))
		batch := d.oldest()
		if len(batch) == 0 {
			d.endProbe()
			d.failing = false // there is nothing that retries
			return 0
		}
		if d.failing {
			d.stats.retries.Add(1)
		}
		n, err := d.sink.Send(ctx, batch)
		d.stats.delivered.Add(uint64(n))
		d.singles = max(0, d.singles-n)
		d.forget(n)
		d.passed(batch[:n])
		switch {
		case err == nil:
			d.recovered()
		case ctx.Err() != nil:
			return 0
		case errors.Is(err, alert.ErrRefused) && n < len(batch):
			d.refused(&batch[n], len(batch)-n, err)
		default:
			if n < len(batch) && d.setAside(&batch[n], err) {
				continue
			}
			return d.failed(err)
		}
	}
	return 0
}

// oldest returns the alerts to send next.
func (d *delivery) oldest() []alert.Alert {
	limit := maxBatch
	if d.singles > 0 {
		limit = 1
	}
	for d.spool != nil && d.spool.len() > 0 {
		batch, unreadable := d.spool.oldest(limit)
		d.stats.dropped[dropUnreadable].Add(uint64(unreadable))
		if len(batch) > 0 {
			return batch
		}
	}
	var batch []alert.Alert
	for _, a := range d.held[:min(limit, len(d.held))] {
		batch = append(batch, *a)
	}
	return batch
}

// forget removes the first n waiting alerts.
func (d *delivery) forget(n int) {
	defer d.count()
	if d.spool == nil || d.spool.len() == 0 {
		clear(d.held[:n]) // their memory
		d.held = d.held[n:]
		return
	}
	if err := d.spool.remove(n); err != nil {
		d.diskFailed(err)
	}
}

func (d *delivery) recovered() {
	if d.failing {
		d.log.Info("sink delivers again")
	}
	d.failing = false
	d.backoff.Reset()
}

// refused handles n alerts, beginning with a, that the sink will never take
// together. To find the ones that it refuses, each is sent alone.
func (d *delivery) refused(a *alert.Alert, n int, err error) {
	d.recovered() // it answers
	if n > 1 {
		d.singles = n
		return
	}
	d.stats.failures.Add(1)
	d.singles = max(0, d.singles-1)
	d.giveUp(a, dropRefused, err)
}

func (d *delivery) failed(err error) time.Duration {
	d.stats.failures.Add(1)
	if !d.failing { // once for each outage, not for each alert
		d.log.Error("sink fails", zap.Error(err))
	}
	d.failing = true
	return d.backoff.NextBackOff()
}

// finish gives up the alerts that are not on disk.
func (d *delivery) finish() {
	d.diskAgain = time.Time{}
	d.take(cap(d.queue))
	d.stats.dropped[dropShutdown].Add(uint64(len(d.held)))
	d.held = nil
	d.count()
}

// refresh calls the sink's Refresh, and logs an outage once.
func (d *delivery) refresh(ctx context.Context) {
	err := d.route.Refresh(ctx)
	if err != nil && ctx.Err() == nil {
		d.stats.failures.Add(1)
		if !d.failing && !d.refreshFails {
			d.log.Error("refresh alerts of sink", zap.Error(err))
		}
	}
	d.refreshFails = err != nil
}

// waiting returns how many alerts wait, in memory and on disk.
func (d *delivery) waiting() int { return len(d.queue) + int(d.stats.waiting.Load()) }

// count publishes how much waits.
func (d *delivery) count() {
	waiting, size := len(d.held), int64(0)
	if d.spool != nil {
		waiting, size = waiting+d.spool.len(), d.spool.bytes
	}
	d.stats.waiting.Store(int64(waiting))
	d.stats.waitingBytes.Store(size)
	if d.diskFails {
		d.kept.Store(d.taken) // memory is all there is, and its bound is known
		return
	}
	d.kept.Store(d.taken - uint64(len(d.held)))
}

// close ends the use of the queue on disk.
func (d *delivery) close() error {
	if d.spool == nil {
		return nil
	}
	return d.spool.close()
}
