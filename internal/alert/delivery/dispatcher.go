// Package delivery brings alerts to sinks: it folds repeats, keeps each workload
// to its budget, and queues alerts on disk while a sink is down.
//
// Its invariants: Enqueue never waits for a sink; one workload's deviations never
// delay another's; an alert that is not delivered is counted.
package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"bobwatch/internal/alert"
)

// Options configures a Dispatcher.
type Options struct {
	Routes []Route
	// Correlator makes incidents of alerts; nil makes none, and sinks of
	// incidents get single alerts.
	Correlator Correlator
	// Silencer decides which alerts are silenced; nil silences none.
	Silencer *Silencer
	// RepeatInterval is how often an alert that goes on is sent again, with
	// its count. One that was silent for as long is over: the next is new.
	RepeatInterval time.Duration
	// Burst is how many alerts of one severity a workload may raise at once.
	// It wins one back every RefillInterval. Alerts beyond that are held back, and
	// counted in one alert after SummaryInterval.
	Burst           int
	RefillInterval  time.Duration
	SummaryInterval time.Duration
	// MaxAlerts bounds the alerts that are remembered because they may repeat.
	MaxAlerts int
	// QueueLength bounds the alerts that wait for one sink.
	QueueLength int
	// FlushTimeout is how long the sinks have to deliver the remaining alerts when
	// the dispatcher ends.
	FlushTimeout time.Duration

	Log        *zap.Logger           // nil logs nothing
	Registerer prometheus.Registerer // nil registers nothing
}

// DefaultOptions has everything but the routes, the silencer, the log and the registerer.
func DefaultOptions() Options {
	return Options{
		RepeatInterval:  5 * time.Minute,
		Burst:           100,
		RefillInterval:  15 * time.Second,
		SummaryInterval: time.Minute,
		MaxAlerts:       2048,
		QueueLength:     1024,
		FlushTimeout:    5 * time.Second,
	}
}

func (o *Options) validate() error {
	for _, field := range []struct {
		name  string
		value int64
	}{
		{"RepeatInterval", int64(o.RepeatInterval)},
		{"Burst", int64(o.Burst)},
		{"RefillInterval", int64(o.RefillInterval)},
		{"SummaryInterval", int64(o.SummaryInterval)},
		{"MaxAlerts", int64(o.MaxAlerts)},
		{"QueueLength", int64(o.QueueLength)},
		{"FlushTimeout", int64(o.FlushTimeout)},
	} {
		if field.value <= 0 {
			return fmt.Errorf("%s: must be positive", field.name)
		}
	}
	seen := make(map[string]bool)
	for i := range o.Routes {
		name := o.Routes[i].Sink.Name()
		if seen[name] {
			return fmt.Errorf("sink %s: there are two of that name", name)
		}
		seen[name] = true
	}
	return nil
}

// Dispatcher folds alerts of one incident into one and hands them to the
// sinks. Enqueue is safe for concurrent use.
type Dispatcher struct {
	opts       Options
	deliveries []*delivery
	metrics    metrics

	mu      sync.Mutex // held for map operations only, never while a sink works
	groups  *groups
	calls   calls
	stopped bool
}

// New returns a dispatcher. Alerts wait in its queues until Run is called. Its
// queues on disk are open until Close.
func New(opts Options) (*Dispatcher, error) {
	if err := opts.validate(); err != nil {
		return nil, fmt.Errorf("make dispatcher: %w", err)
	}
	log := cmp.Or(opts.Log, zap.NewNop())
	d := &Dispatcher{opts: opts, groups: newGroups(&opts)}
	opts.Silencer.tell(log, time.Now())
	for _, route := range opts.Routes {
		d.deliveries = append(d.deliveries, newDelivery(route, opts.QueueLength, log))
	}
	if opts.Registerer != nil {
		if err := opts.Registerer.Register(collector{d}); err != nil {
			return nil, errors.Join(fmt.Errorf("make dispatcher: %w", err), d.Close())
		}
	}
	return d, nil
}

// Close closes the queues on disk. Run has returned, or was not called.
func (d *Dispatcher) Close() error {
	var errs []error
	for _, delivery := range d.deliveries {
		errs = append(errs, delivery.close())
	}
	if d.opts.Correlator != nil {
		errs = append(errs, d.opts.Correlator.Close())
	}
	return errors.Join(errs...)
}

// Enqueue takes an alert. It never waits for a sink: an alert that finds no place is
// counted and dropped. It reports whether the alert was a new incident.
func (d *Dispatcher) Enqueue(a alert.Alert) bool {
	d.metrics.deviations.Add(a.Count)
	if d.opts.Silencer.covers(&a, time.Now()) {
		d.metrics.silenced.Add(a.Rule, a.Severity, a.Count)
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped {
		d.metrics.lost[lostStopped].Add(a.Count)
		return false
	}
	now := time.Now()
	if d.calls.hold(&a, now) {
		return false
	}
	d.calls.executed(&a)
	return d.raise(&a, now)
}

// raise adds an alert to its incident and queues it for the sinks. The caller holds
// mu.
func (d *Dispatcher) raise(a *alert.Alert, now time.Time) bool {
	if d.opts.Correlator != nil {
		d.sendStory(d.opts.Correlator.Add(a, now))
	}
	out, outcome := d.groups.add(a, now)
	switch outcome {
	case outcomeNew:
		d.send(out)
		d.metrics.alerts.Add(1)
	case outcomeWorse:
		d.send(out)
	case outcomeHeld:
		d.metrics.held.Add(a.Count)
	case outcomeLost:
		d.metrics.lost[lostTooMany].Add(a.Count)
	case outcomeFolded:
	}
	return outcome == outcomeNew
}

// send hands a to every sink. The caller holds mu, which keeps the order.
func (d *Dispatcher) send(a *alert.Alert) {
	for _, delivery := range d.deliveries {
		if !delivery.route.Incidents || d.opts.Correlator == nil {
			delivery.push(a)
		}
	}
}

// sendStory hands an incident to the sinks of incidents; nil is none.
func (d *Dispatcher) sendStory(a *alert.Alert) {
	if a == nil {
		return
	}
	for _, delivery := range d.deliveries {
		if delivery.route.Incidents {
			delivery.push(a)
		}
	}
}

func (d *Dispatcher) raiseCalls(now time.Time, end bool) {
	for _, a := range d.calls.due(now, end) {
		d.raise(&a, now)
	}
}

func (d *Dispatcher) sendStories(now time.Time, end bool) {
	if d.opts.Correlator == nil {
		return
	}
	for _, a := range d.opts.Correlator.Due(now, end) {
		d.sendStory(a)
	}
}

// Run delivers alerts until ctx ends. Then it sends the folded alerts that it has not
// sent yet, and returns when every sink is done or FlushTimeout has passed. Alerts
// that a sink did not take stay in its queue on disk. Call it once.
func (d *Dispatcher) Run(ctx context.Context) error {
	// The sinks go on when ctx ends, for as long as flushing may take.
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var sinks sync.WaitGroup
	for _, delivery := range d.deliveries {
		sinks.Go(func() { delivery.run(sending) })
	}
	d.repeat(ctx)
	d.stop()
	deadline := time.AfterFunc(d.opts.FlushTimeout, cancel)
	defer deadline.Stop()
	sinks.Wait()
	return nil
}

// checkInterval is how exactly repeats and summaries keep their intervals.
const checkInterval = time.Second

// repeat sends repeats and summaries when they are due, until ctx ends.
func (d *Dispatcher) repeat(ctx context.Context) {
	ticker := time.NewTicker(checkInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			d.mu.Lock()
			d.raiseCalls(now, false)
			d.sendAll(d.groups.due(now))
			d.sendStories(now, false)
			d.mu.Unlock()
		}
	}
}

// stop refuses further alerts, and queues the folded alerts that were not sent yet.
func (d *Dispatcher) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	d.raiseCalls(time.Now(), true)
	d.sendAll(d.groups.flush())
	d.sendStories(time.Now(), true)
	for _, delivery := range d.deliveries {
		close(delivery.stopped)
	}
}

func (d *Dispatcher) sendAll(alerts []*alert.Alert) {
	for _, a := range alerts {
		d.send(a)
		if len(a.Suppressed) > 0 {
			d.metrics.alerts.Add(1)
			d.metrics.summaries.Add(1)
		}
	}
}
