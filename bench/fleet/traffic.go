package main

import (
	"bytes"
	"context"
	"fmt"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/client-go/kubernetes"
)

// traffic is what an API server has counted about ConfigMaps.
type traffic struct {
	Reads     float64 `json:"reads"`     // all but watches
	Writes    float64 `json:"writes"`    // that were done
	Conflicts float64 `json:"conflicts"` // writes that another was faster than
	BytesIn   float64 `json:"bytesIn"`   // of writes
	BytesOut  float64 `json:"bytesOut"`  // of reads
}

// count asks the API server.
func count(ctx context.Context, client *kubernetes.Clientset) (traffic, error) {
	text, err := client.Discovery().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return traffic{}, fmt.Errorf("read metrics of the API server: %w", err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return traffic{}, fmt.Errorf("parse metrics of the API server: %w", err)
	}
	var t traffic
	each(families["apiserver_request_total"], func(labels map[string]string, m *dto.Metric) {
		n := m.GetCounter().GetValue()
		switch verb, code := labels["verb"], labels["code"]; {
		case verb == "GET" || verb == "LIST":
			t.Reads += n
		case verb == "WATCH":
		case code == "409":
			t.Conflicts += n
		case code[0] == '2':
			t.Writes += n
		}
	})
	each(families["apiserver_request_body_size_bytes"], func(_ map[string]string, m *dto.Metric) {
		t.BytesIn += m.GetHistogram().GetSampleSum()
	})
	each(families["apiserver_response_sizes"], func(labels map[string]string, m *dto.Metric) {
		if labels["verb"] == "GET" || labels["verb"] == "LIST" {
			t.BytesOut += m.GetHistogram().GetSampleSum()
		}
	})
	return t, nil
}

// each calls f for the metrics of a family that are about ConfigMaps.
func each(family *dto.MetricFamily, f func(labels map[string]string, m *dto.Metric)) {
	for _, m := range family.GetMetric() {
		labels := map[string]string{}
		for _, l := range m.GetLabel() {
			labels[l.GetName()] = l.GetValue()
		}
		if labels["resource"] == "configmaps" {
			f(labels, m)
		}
	}
}

func (t traffic) minus(u traffic) traffic {
	return traffic{
		Reads: t.Reads - u.Reads, Writes: t.Writes - u.Writes, Conflicts: t.Conflicts - u.Conflicts,
		BytesIn: t.BytesIn - u.BytesIn, BytesOut: t.BytesOut - u.BytesOut,
	}
}
