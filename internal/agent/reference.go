package agent

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"bobwatch/internal/agent/metrics"
	"bobwatch/internal/agent/port"
	"bobwatch/internal/alert"
	"bobwatch/internal/alert/delivery"
	"bobwatch/internal/alert/sink"
	"bobwatch/internal/catalog"
	"bobwatch/internal/incident"
	"bobwatch/internal/kubernetes"
)

// Metrics returns a family for each metric of the agent's own, by name, with
// every value of the labels that come from closed sets. It is what the
// reference in docs/metrics.md is made of; nothing in it was measured.
func Metrics() ([]*dto.MetricFamily, error) {
	registry := prometheus.NewRegistry()
	options := delivery.DefaultOptions()
	options.Routes = []delivery.Route{{Sink: sink.NewStdout(io.Discard, alert.JSON)}}
	options.Registerer = registry
	if err := registry.Register(incident.Example()); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	if _, err := delivery.New(options); err != nil {
		return nil, err
	}
	catalog.New(catalog.Options{Registerer: registry})
	kubernetes.Register(registry)
	if err := registry.Register(port.ClosedConnections(func() uint64 { return 0 })); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	if err := registry.Register(metrics.Collector{Read: metrics.Example}); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	families, err := registry.Gather()
	if err != nil {
		return nil, fmt.Errorf("gather metrics: %w", err)
	}
	return slices.DeleteFunc(families, func(f *dto.MetricFamily) bool {
		return !strings.HasPrefix(f.GetName(), metrics.Prefix)
	}), nil
}
