package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	learned "bobwatch/internal/kubernetes"
	"bobwatch/internal/profile"
	"bobwatch/test/cluster"
)

// report is what a run found out.
type report struct {
	Options options `json:"options"`
	// Converging lasts until the API server has every fact that any agent has
	// met; After is what follows.
	Converging phase `json:"converging"`
	After      phase `json:"after"`
	// Unanswered are the questions of starting agents that the API server took
	// too long for: they do without.
	Unanswered int64 `json:"unanswered"`
	// Seconds are the single seconds of all of it.
	Seconds []traffic `json:"seconds"`
}

// phase is the traffic of a span of time.
type phase struct {
	Seconds float64 `json:"seconds"`
	traffic
	// Peak is the most of each in any one second.
	Peak traffic `json:"peakPerSecond"`
}

const (
	// checkInterval is how often it is looked whether the agents are done.
	checkInterval = 5 * time.Second
	// patience is for how long after the last news they may take.
	patience = 5 * time.Minute
)

func simulate(ctx context.Context, server *cluster.ControlPlane, o options) (*report, error) {
	config, err := server.Config()
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, groupCtx := errgroup.WithContext(ctx)
	f := fleet{options: o, client: client}
	for i := range o.Agents {
		// A user of its own has a connection of its own.
		name := fmt.Sprintf("node-%d", i)
		kubeconfig, err := server.User(name, "system:masters")
		if err != nil {
			return nil, err
		}
		a, err := newAgent(kubeconfig, name, o)
		if err != nil {
			return nil, err
		}
		f.agents = append(f.agents, a)
		group.Go(func() error { return a.run(groupCtx, o.Learning) })
	}
	r, err := f.measure(groupCtx)
	cancel()
	if err := errors.Join(err, group.Wait()); err != nil {
		return nil, err
	}
	for _, a := range f.agents {
		r.Unanswered += a.unanswered.Load()
	}
	return r, nil
}

// fleet is all agents and whom they talk to.
type fleet struct {
	options options
	client  *kubernetes.Clientset
	agents  []*agent
}

// measure follows the traffic until nothing is new, and for a while longer.
func (f *fleet) measure(ctx context.Context) (*report, error) {
	r := &report{Options: f.options}
	last, err := count(ctx, f.client)
	if err != nil {
		return nil, err
	}
	start, checked := time.Now(), time.Now()
	var converged time.Time
	for converged.IsZero() || time.Since(converged) < f.options.After {
		if !pause(ctx, time.Second) {
			return nil, ctx.Err()
		}
		now, err := count(ctx, f.client)
		if err != nil {
			return nil, err
		}
		second := now.minus(last)
		last = now
		r.Seconds = append(r.Seconds, second)
		if !converged.IsZero() {
			r.After.add(second, time.Since(converged))
			continue
		}
		r.Converging.add(second, time.Since(start))
		if over := time.Since(start) - f.options.Learning; over > 0 && time.Since(checked) > checkInterval {
			checked = time.Now()
			if err := f.complete(ctx); err == nil {
				converged = checked
			} else if over > patience {
				return nil, err
			}
		}
	}
	return r, nil
}

// complete returns an error unless the API server has every fact that an agent
// has.
func (f *fleet) complete(ctx context.Context) error {
	for i := range f.options.Workloads {
		name := learned.LearnedName(keyOf(i))
		m, err := f.client.CoreV1().ConfigMaps("default").Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		documents, err := profile.Parse(name, []byte(m.Data["profile.yaml"]))
		if err != nil {
			return err
		}
		shared := make(knowledge, f.options.Facts)
		shared.absorb(documents[0])
		for _, a := range f.agents {
			if missing := a.beyond(i, shared); missing > 0 {
				return fmt.Errorf("learned profile %s lacks %d facts of an agent", name, missing)
			}
		}
	}
	return nil
}

func (p *phase) add(t traffic, length time.Duration) {
	p.Seconds = length.Seconds()
	p.Reads += t.Reads
	p.Writes += t.Writes
	p.Conflicts += t.Conflicts
	p.BytesIn += t.BytesIn
	p.BytesOut += t.BytesOut
	p.Peak.Reads = max(p.Peak.Reads, t.Reads)
	p.Peak.Writes = max(p.Peak.Writes, t.Writes)
	p.Peak.Conflicts = max(p.Peak.Conflicts, t.Conflicts)
	p.Peak.BytesIn = max(p.Peak.BytesIn, t.BytesIn)
	p.Peak.BytesOut = max(p.Peak.BytesOut, t.BytesOut)
}

// print writes the report for a reader.
func (r *report) print(w io.Writer) {
	o := r.Options
	fmt.Fprintf(w, "%d agents, %d workloads of %d facts on each\n\n", o.Agents, o.Workloads, o.Facts)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tseconds\twrites\tper second\tpeak\tconflicts\tKiB/s written\treads\tper second\tpeak\tKiB/s read\t")
	for _, p := range []struct {
		name string
		phase
	}{{"while learning", r.Converging}, {"afterwards", r.After}} {
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.1f\t%.0f\t%.0f\t%.1f\t%.0f\t%.1f\t%.0f\t%.1f\t\n", p.name, p.Seconds,
			p.Writes, p.Writes/p.Seconds, p.Peak.Writes, p.Conflicts, p.BytesIn/p.Seconds/1024,
			p.Reads, p.Reads/p.Seconds, p.Peak.Reads, p.BytesOut/p.Seconds/1024)
	}
	_ = t.Flush()
	fmt.Fprintf(w, "\n%d of %d questions of starting agents were not answered in time\n", r.Unanswered, o.Agents*o.Workloads)
	agents := float64(o.Agents)
	fmt.Fprintf(w, "a node: %.2f writes of %.1f KiB in all and %.0f reads while learning, %.2f writes and %.1f reads an hour afterwards\n",
		r.Converging.Writes/agents, r.Converging.BytesIn/max(r.Converging.Writes+r.Converging.Conflicts, 1)/1024,
		r.Converging.Reads/agents, r.After.Writes/agents/r.After.Seconds*3600, r.After.Reads/agents/r.After.Seconds*3600)
}
