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
}

// Register registers the metrics that a Client has, for a reference of them.
func Register(registerer prometheus.Registerer) { newMetrics(registerer) }

func newMetrics(registerer prometheus.Registerer) *metrics {
	factory := promauto.With(registerer)
	m := &metrics{
		pods: factory.NewGauge(prometheus.GaugeOpts{
			Name: "bob_kubernetes_pods",
			Help: "Pods of the node that the API server told of.",
		}),
		badSettings: factory.NewCounter(prometheus.CounterOpts{
			Name: "bob_kubernetes_invalid_settings_total",
			Help: "Labels and annotations bobwatch/mode, bobwatch/window and bobwatch/bob that were ignored because of their value.",
		}),
		eventsSent: factory.NewCounter(prometheus.CounterOpts{
			Name: "bob_kubernetes_events_sent_total",
			Help: "Events about refused documents, ignored settings and too large profiles that were written. Those of the sink are counted as its deliveries.",
		}),
	}
	requests := factory.NewCounterVec(prometheus.CounterOpts{
		Name: "bob_kubernetes_requests_total",
		Help: "Requests to the API server, by class of answer; none if there was none.",
	}, []string{"code"})
	for i, code := range []string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"} {
		m.requests[i] = requests.WithLabelValues(code)
	}
	dropped := factory.NewCounterVec(prometheus.CounterOpts{
		Name: "bob_kubernetes_events_dropped_total",
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
