package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

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
		e.log.Sugar().Debugf("answer status: %v", err) // whoever asked went away
	}
}

// status asks the engine's goroutine.
func (e *engine) status(ctx context.Context) (*status.Status, error) {
	workloads := make(chan []status.Workload, 1)
	e.post(ctx, func() { workloads <- e.workloadStatus(time.Now()) })
	s := &status.Status{
		Node:      e.config.Node,
		Version:   Version,
		Time:      time.Now().UTC(),
		Hooks:     []status.Hook{},
		Documents: documentStatus(e.catalog.States()),
	}
	if err := e.detecting(); err != nil {
		s.NotReady = err.Error()
	}
	s.Ready = s.NotReady == ""
	if hooks := e.hooks.Load(); hooks != nil {
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

// workloadStatus tells of every workload container that runs.
func (e *engine) workloadStatus(now time.Time) []status.Workload {
	list := []status.Workload{}
	for _, b := range e.workloads {
		if len(b.instances) > 0 {
			list = append(list, e.describeBehaviour(b, now))
		}
	}
	slices.SortFunc(list, func(a, b status.Workload) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Container, b.Container), cmp.Compare(a.Digest, b.Digest))
	})
	return list
}

func (e *engine) describeBehaviour(b *behaviour, now time.Time) status.Workload {
	m := &b.model
	w := status.Workload{
		Namespace:    alert.Printable(m.Namespace, maxLabelBytes),
		Kind:         alert.Printable(m.Owner.Kind, maxLabelBytes),
		Name:         alert.Printable(m.Owner.Name, 2*maxLabelBytes),
		Container:    alert.Printable(m.Name, 2*maxLabelBytes),
		Image:        alert.Printable(m.Image, 4*maxLabelBytes),
		Digest:       alert.Printable(m.ImageDigest, maxLabelBytes),
		State:        b.state,
		Observed:     b.learner.ObservedFor(now).Seconds(),
		Window:       e.windowOf(b).Seconds(),
		Completeness: b.completeness,
		LastNews:     b.learner.LastNews(),
	}
	if b.state == status.Learning {
		w.Completeness = b.learner.Provenance(now).Completeness
	}
	w.Learned.Syscalls, w.Learned.Execs, w.Learned.Opens = b.learner.Size()
	for in := range b.instances {
		w.Instances = append(w.Instances, status.Instance{
			ID: alert.Printable(in.container.ID, maxLabelBytes), Pod: alert.Printable(in.container.Pod, 2*maxLabelBytes),
		})
	}
	slices.SortFunc(w.Instances, func(a, b status.Instance) int { return cmp.Compare(a.ID, b.ID) })
	return w
}

func documentStatus(states []catalog.State) []status.Document {
	documents := []status.Document{}
	for _, s := range states {
		d := status.Document{
			Source:    alert.Printable(s.Source, 4*maxLabelBytes),
			Name:      alert.Printable(s.Name, 2*maxLabelBytes),
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
