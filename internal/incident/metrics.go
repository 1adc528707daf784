package incident

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"bobwatch/internal/severity"
)

// Why a story is not in the history.
const (
	lostQueueFull = iota
	lostTooLarge
	lostUnreadable
	lostShutdown
)

var lostNames = [...]string{
	lostQueueFull: "queue_full", lostTooLarge: "too_large", lostUnreadable: "unreadable", lostShutdown: "shutdown",
}

// Which bound removed a story.
const (
	removedCount = iota
	removedBytes
	removedAge
)

var removedNames = [...]string{removedCount: "count", removedBytes: "bytes", removedAge: "age"}

// grades is the number of severities.
const grades = int(severity.Critical) + 1

// stats are counters that any goroutine may read.
type stats struct {
	failures atomic.Uint64
	lost     [len(lostNames)]atomic.Uint64
	removed  [len(removedNames)]atomic.Uint64
	count    atomic.Int64
	bytes    atomic.Int64
}

func (s *stats) level(count int, bytes int64) {
	s.count.Store(int64(count))
	s.bytes.Store(bytes)
}

// tally counts incidents by their severity now.
type tally struct {
	begun atomic.Uint64
	ended [grades]atomic.Uint64
	open  [grades]atomic.Int64
}

var (
	openDesc = prometheus.NewDesc("bobwatch_incidents_open",
		"Incidents that go on, by the severity of their worst act so far.", []string{"severity"}, nil)
	begunDesc = prometheus.NewDesc("bobwatch_incidents_total",
		"Incidents that began.", nil, nil)
	endedDesc = prometheus.NewDesc("bobwatch_incidents_ended_total",
		"Incidents that are over, by the severity of their worst act.", []string{"severity"}, nil)
	keptDesc = prometheus.NewDesc("bobwatch_incident_history_stories",
		"Incidents in the history on disk.", nil, nil)
	bytesDesc = prometheus.NewDesc("bobwatch_incident_history_bytes",
		"Bytes of the history on disk, which has a bound.", nil, nil)
	removedDesc = prometheus.NewDesc("bobwatch_incident_history_removed_total",
		"Incidents that a bound of the history removed, the oldest first.", []string{"bound"}, nil)
	lostDesc = prometheus.NewDesc("bobwatch_incident_history_lost_total",
		"Incidents, and files of them (unreadable), that the history did not take or keep.", []string{"reason"}, nil)
	failuresDesc = prometheus.NewDesc("bobwatch_incident_history_failures_total",
		"Writes of the history to disk that failed; its incidents wait in memory.", nil, nil)
)

// Example returns a tracker for the reference of metrics.
func Example() *Tracker {
	t := New(DefaultOptions())
	t.history = &History{}
	return t
}

// Describe implements prometheus.Collector.
func (t *Tracker) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		openDesc, begunDesc, endedDesc, keptDesc, bytesDesc, removedDesc, lostDesc, failuresDesc,
	} {
		ch <- desc
	}
}

// Collect implements prometheus.Collector. Any goroutine may call it.
func (t *Tracker) Collect(ch chan<- prometheus.Metric) {
	send := func(desc *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, kind, value, labels...)
	}
	for grade := range grades {
		name := severity.Severity(grade).String()
		send(openDesc, prometheus.GaugeValue, float64(t.tally.open[grade].Load()), name)
		send(endedDesc, prometheus.CounterValue, float64(t.tally.ended[grade].Load()), name)
	}
	send(begunDesc, prometheus.CounterValue, float64(t.tally.begun.Load()))
	if t.history == nil {
		return
	}
	s := &t.history.stats
	send(keptDesc, prometheus.GaugeValue, float64(s.count.Load()))
	send(bytesDesc, prometheus.GaugeValue, float64(s.bytes.Load()))
	send(failuresDesc, prometheus.CounterValue, float64(s.failures.Load()))
	for reason := range s.lost {
		send(lostDesc, prometheus.CounterValue, float64(s.lost[reason].Load()), lostNames[reason])
	}
	for bound := range s.removed {
		send(removedDesc, prometheus.CounterValue, float64(s.removed[bound].Load()), removedNames[bound])
	}
}
