package agent

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"bobwatch/internal/agent/metrics"
	"bobwatch/internal/alert"
	"bobwatch/internal/catalog"
	"bobwatch/internal/status"
)

// statusTimeout is how long the engine may take to answer.
const statusTimeout = 5 * time.Second

// serveStatus answers with the agent's status.Status.
func (e *engine) serveStatus(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), statusTimeout)
	defer cancel()
	s, err := e.status(ctx)
	if err != nil {
		http.Error(w, "the engine does not answer: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(s); err != nil {
		e.log.Sugar().Debugf("answer status: %v", err) // the client went away
	}
}

// status asks the engine's goroutine.
func (e *engine) status(ctx context.Context) (*status.Status, error) {
	workloads := make(chan []status.Workload, 1)
	e.post(ctx, func() { workloads <- e.workloads.status(time.Now()) })
	s := &status.Status{
		Node:      e.workloads.node,
		Version:   Version,
		Time:      time.Now().UTC(),
		Hooks:     []status.Hook{},
		Documents: documentStatus(e.workloads.options.Catalog.States()),
	}
	if err := e.health.detecting(); err != nil {
		s.NotReady = err.Error()
	}
	s.Ready = s.NotReady == ""
	if hooks := e.health.hooks.Load(); hooks != nil {
		for _, h := range *hooks {
			s.Hooks = append(s.Hooks, status.Hook{Name: h.Name, Attached: h.Err == nil})
		}
	}
	select {
	case s.Workloads = <-workloads:
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func documentStatus(states []catalog.State) []status.Document {
	documents := []status.Document{}
	for _, s := range states {
		d := status.Document{
			Source:    alert.Printable(s.Source, 4*metrics.MaxLabelBytes),
			Name:      alert.Printable(s.Name, 2*metrics.MaxLabelBytes),
			Digest:    s.Digest,
			InForce:   s.InForce,
			Authority: s.Authority,
			Reason:    string(s.Reason),
		}
		if s.Refused != nil {
			d.Refused = alert.Printable(s.Refused.Error(), 1024)
		}
		documents = append(documents, d)
	}
	return documents
}
