package kubernetes

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	requests      [6]prometheus.Counter // by the first digit of the status, 0 for no answer
	pods          prometheus.Gauge
	badSettings   prometheus.Counter
	eventsSent    prometheus.Counter
	eventsDropped struct{ queueFull, refused prometheus.Counter }
	learned       learnedMetrics
}

type learnedMetrics struct {
	pending                  prometheus.Gauge
	writes, bytes, conflicts prometheus.Counter
	failures                 struct{ unavailable, refused, unreadable, tooLarge, full prometheus.Counter }
}

func newLearnedMetrics(factory promauto.Factory) learnedMetrics {
	m := learnedMetrics{
		pending: factory.NewGauge(prometheus.GaugeOpts{
			Name: "bobwatch_learned_profiles_pending",
			Help: "Learned profiles with news that is not yet written to the cluster.",
		}),
		writes: factory.NewCounter(prometheus.CounterOpts{
			Name: "bobwatch_learned_profile_writes_total",
			Help: "Learned profiles that were written to the cluster.",
		}),
		bytes: factory.NewCounter(prometheus.CounterOpts{
			Name: "bobwatch_learned_profile_written_bytes_total",
			Help: "Bytes of learned profiles that were written to the cluster, after compression.",
		}),
		conflicts: factory.NewCounter(prometheus.CounterOpts{
			Name: "bobwatch_learned_profile_conflicts_total",
			Help: "Writes of learned profiles that were made again because another node was faster.",
		}),
	}
	failures := factory.NewCounterVec(prometheus.CounterOpts{
		Name: "bobwatch_learned_profile_failures_total",
		Help: "Learned profiles that could not be shared. What is unavailable or refused is tried again; what is unreadable was written by somebody else; too_large fits no ConfigMap; full is beyond what a node shares.",
	}, []string{"reason"})
	m.failures.unavailable = failures.WithLabelValues("unavailable")
	m.failures.refused = failures.WithLabelValues("refused")
	m.failures.unreadable = failures.WithLabelValues("unreadable")
	m.failures.tooLarge = failures.WithLabelValues("too_large")
	m.failures.full = failures.WithLabelValues("full")
	return m
}

// Register registers the metrics that a Client has, for a reference of them.
func Register(registerer prometheus.Registerer) { newMetrics(registerer) }

func newMetrics(registerer prometheus.Registerer) *metrics {
	factory := promauto.With(registerer)
	m := &metrics{
		pods: factory.NewGauge(prometheus.GaugeOpts{
			Name: "bobwatch_kubernetes_pods",
			Help: "Pods of the node that the API server reports.",
		}),
		badSettings: factory.NewCounter(prometheus.CounterOpts{
			Name: "bobwatch_kubernetes_invalid_settings_total",
			Help: "Labels and annotations bobwatch/mode, bobwatch/window and bobwatch/bob that were ignored because of their value.",
		}),
		eventsSent: factory.NewCounter(prometheus.CounterOpts{
			Name: "bobwatch_kubernetes_events_sent_total",
			Help: "Events about refused documents, ignored settings and too large profiles that were written. Those of the sink are counted as its deliveries.",
		}),
	}
	m.learned = newLearnedMetrics(factory)
	requests := factory.NewCounterVec(prometheus.CounterOpts{
		Name: "bobwatch_kubernetes_requests_total",
		Help: "Requests to the API server, by class of answer; none if there was none.",
	}, []string{"code"})
	for i, code := range []string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"} {
		m.requests[i] = requests.WithLabelValues(code)
	}
	dropped := factory.NewCounterVec(prometheus.CounterOpts{
		Name: "bobwatch_kubernetes_events_dropped_total",
		Help: "Events that were not written: too many waited, or the API server refused them.",
	}, []string{"reason"})
	m.eventsDropped.queueFull = dropped.WithLabelValues("queue_full")
	m.eventsDropped.refused = dropped.WithLabelValues("refused")
	return m
}

// countRequest counts an answer with an HTTP status, 0 for none.
func (m *metrics) countRequest(status int) {
	if class := status / 100; class < len(m.requests) {
		m.requests[class].Inc()
	}
}
