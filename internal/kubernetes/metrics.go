package kubernetes

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	requests *prometheus.CounterVec
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	factory := promauto.With(registerer)
	return &metrics{
		requests: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "bob_kubernetes_requests_total",
			Help: "Requests to the API server, by class of answer; none if there was none.",
		}, []string{"code"}),
	}
}

// countRequest counts an answer with an HTTP status, 0 for none.
func (m *metrics) countRequest(status int) {
	class := "none"
	if status != 0 {
		class = fmt.Sprintf("%dxx", status/100)
	}
	m.requests.WithLabelValues(class).Inc()
}
