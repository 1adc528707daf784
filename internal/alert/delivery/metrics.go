package delivery

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"bobwatch/internal/rule"
)

// lost is a reason for which a deviation appears in no alert at all.
type lost uint8

const (
	lostStopped lost = iota
	lostTooMany

	numLost = iota
)

var lostNames = [numLost]string{
	lostStopped: "stopped",
	lostTooMany: "too_many_workloads",
}

// metrics are a dispatcher's own counters.
type metrics struct {
	deviations atomic.Uint64
	alerts     atomic.Uint64
	summaries  atomic.Uint64
	silenced   rule.Tally
	held       atomic.Uint64
	lost       [numLost]atomic.Uint64
}

// Stats are a dispatcher's counters at one moment.
type Stats struct {
	Deviations uint64 // acts outside of a profile, repeats included
	Alerts     uint64 // incidents and summaries raised
	Silenced   uint64 // deviations that the configuration keeps quiet
	Held       uint64 // deviations reported in a summary only
	Lost       uint64 // deviations reported nowhere
	Sinks      map[string]SinkStats
}

// SinkStats are a sink's counters, in alerts.
type SinkStats struct {
	Queued    int
	Delivered uint64
	Dropped   uint64
}

// Stats returns the counters.
func (d *Dispatcher) Stats() Stats {
	s := Stats{
		Deviations: d.metrics.deviations.Load(),
		Alerts:     d.metrics.alerts.Load(),
		Silenced:   d.metrics.silenced.Total(),
		Held:       d.metrics.held.Load(),
		Sinks:      make(map[string]SinkStats, len(d.deliveries)),
	}
	for i := range d.metrics.lost {
		s.Lost += d.metrics.lost[i].Load()
	}
	for _, delivery := range d.deliveries {
		sink := SinkStats{Queued: delivery.waiting(), Delivered: delivery.stats.delivered.Load()}
		for i := range delivery.stats.dropped {
			sink.Dropped += delivery.stats.dropped[i].Load()
		}
		s.Sinks[delivery.sink.Name()] = sink
	}
	return s
}

// collector reads the counters at scrape.
type collector struct{ d *Dispatcher }

var (
	summariesDesc = prometheus.NewDesc("bobwatch_alert_summaries_total",
		"Alerts BW000: summaries of deviations beyond a workload's rate limit.", nil, nil)
	silencedDesc = prometheus.NewDesc("bobwatch_deviations_silenced_total",
		"Deviations that a silence of the configuration kept quiet.", []string{"rule", "severity"}, nil)
	heldDesc = prometheus.NewDesc("bobwatch_deviations_held_total",
		"Deviations beyond a workload's rate limit, which only a summary reports.", nil, nil)
	lostDesc = prometheus.NewDesc("bobwatch_deviations_lost_total",
		"Deviations that no alert reports.", []string{"reason"}, nil)
	activeDesc = prometheus.NewDesc("bobwatch_alerts_active",
		"Incidents that are remembered because they may repeat.", nil, nil)
	queuedDesc = prometheus.NewDesc("bobwatch_sink_queued_alerts",
		"Alerts that wait for the sink, in memory and on disk.", []string{"sink"}, nil)
	queuedBytesDesc = prometheus.NewDesc("bobwatch_sink_queued_bytes",
		"Bytes of the sink's queue on disk, which has a bound.", []string{"sink"}, nil)
	queueFailuresDesc = prometheus.NewDesc("bobwatch_sink_queue_failures_total",
		"Writes of the sink's queue to disk that failed; its alerts wait in memory.", []string{"sink"}, nil)
	deliveredDesc = prometheus.NewDesc("bobwatch_sink_delivered_alerts_total",
		"Alerts that the sink took.", []string{"sink"}, nil)
	droppedDesc = prometheus.NewDesc("bobwatch_sink_dropped_alerts_total",
		"Alerts that the sink did not get.", []string{"sink", "reason"}, nil)
	failuresDesc = prometheus.NewDesc("bobwatch_sink_failures_total",
		"Deliveries that failed, each of one or more alerts.", []string{"sink"}, nil)
	retriesDesc = prometheus.NewDesc("bobwatch_sink_retries_total",
		"Deliveries that were tried again after one failed.", []string{"sink"}, nil)
)

// Describe implements prometheus.Collector.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		summariesDesc, silencedDesc, heldDesc, lostDesc, activeDesc,
		queuedDesc, queuedBytesDesc, queueFailuresDesc, deliveredDesc, droppedDesc, failuresDesc, retriesDesc,
	} {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	counter := func(desc *prometheus.Desc, value *atomic.Uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value.Load()), labels...)
	}
	gauge := func(desc *prometheus.Desc, value int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), labels...)
	}
	m := &c.d.metrics
	for grade, n := range m.silenced.Series() {
		ch <- prometheus.MustNewConstMetric(silencedDesc, prometheus.CounterValue, float64(n),
			grade.Rule.String(), grade.Severity.String())
	}
	counter(summariesDesc, &m.summaries)
	counter(heldDesc, &m.held)
	for reason := range m.lost {
		counter(lostDesc, &m.lost[reason], lostNames[reason])
	}
	c.d.mu.Lock()
	active := len(c.d.groups.byFingerprint)
	c.d.mu.Unlock()
	gauge(activeDesc, active)
	for _, d := range c.d.deliveries {
		name, stats := d.sink.Name(), &d.stats
		gauge(queuedDesc, d.waiting(), name)
		gauge(queuedBytesDesc, int(stats.waitingBytes.Load()), name)
		counter(queueFailuresDesc, &stats.diskFailures, name)
		counter(deliveredDesc, &stats.delivered, name)
		counter(failuresDesc, &stats.failures, name)
		counter(retriesDesc, &stats.retries, name)
		for reason := range stats.dropped {
			counter(droppedDesc, &stats.dropped[reason], name, dropNames[reason])
		}
	}
}
