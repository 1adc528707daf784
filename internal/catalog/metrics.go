package catalog

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	refusals map[Reason]prometheus.Counter
	inForce  prometheus.Gauge
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	factory := promauto.With(registerer)
	refusals := factory.NewCounterVec(prometheus.CounterOpts{
		Name: "bobwatch_document_refusals_total",
		Help: "Versions of documents that were refused and have no effect, by reason.",
	}, []string{"reason"})
	m := &metrics{
		refusals: make(map[Reason]prometheus.Counter, len(reasons)),
		inForce: factory.NewGauge(prometheus.GaugeOpts{
			Name: "bobwatch_documents_in_force",
			Help: "Verified documents that have effect.",
		}),
	}
	for _, reason := range reasons {
		m.refusals[reason] = refusals.WithLabelValues(string(reason))
	}
	return m
}
