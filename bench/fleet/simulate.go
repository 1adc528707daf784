package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"bobwatch/internal/profile/documents"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	learned "bobwatch/internal/kubernetes"
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
	// Seconds are the samples of all of it, a second apart or more on a busy machine.
	Seconds []traffic `json:"seconds"`
}

// phase is the traffic of a span of time.
type phase struct {
	Seconds float64 `json:"seconds"`
	traffic
	// Peak is the most of each in any one sample.
	Peak traffic `json:"peakPerSecond"`
}

// patience is for how long after the last news the agents may take.
const patience = 5 * time.Minute

func simulate(ctx context.Context, server *cluster.ControlPlane, o options) (*report, error) {
	config, err := server.Config()
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
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
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, groupCtx := errgroup.WithContext(ctx)
	r, err := f.measure(groupCtx, func() {
		for _, a := range f.agents {
			group.Go(func() error { return a.run(groupCtx, o.Learning) })
		}
	})
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

// measure follows the traffic from the start until nothing is new, and for a
// while longer.
func (f *fleet) measure(ctx context.Context, begin func()) (*report, error) {
	r := &report{Options: f.options}
	last, err := count(ctx, f.client)
	if err != nil {
		return nil, err
	}
	begin()
	start, converged, quiet := time.Now(), false, false
	for p := &r.Converging; ; {
		if !pause(ctx, time.Second) {
			return nil, ctx.Err()
		}
		// Before the traffic is counted, so that all until now belongs to p.
		// A second without a write says that none is under way.
		done := !converged && quiet && time.Since(start) > f.options.Learning && f.complete(ctx) == nil
		now, err := count(ctx, f.client)
		if err != nil {
			return nil, err
		}
		second := now.minus(last)
		last = now
		quiet = second.Writes+second.Conflicts == 0
		r.Seconds = append(r.Seconds, second)
		p.add(second, time.Since(start))
		switch {
		case done:
			p, start, converged = &r.After, time.Now(), true
		case converged && time.Since(start) > f.options.After:
			return r, nil
		case !converged && time.Since(start) > f.options.Learning+patience:
			return nil, f.complete(ctx)
		}
	}
}

// complete returns an error unless the API server has every fact that an agent
// has.
func (f *fleet) complete(ctx context.Context) error {
	shared := make([]knowledge, f.options.Workloads)
	for i := range shared {
		name := learned.LearnedName(keyOf(i))
		m, err := f.client.CoreV1().ConfigMaps("default").Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		documents, err := documents.Parse(name, []byte(m.Data["profile.yaml"]))
		if err != nil {
			return err
		}
		shared[i] = make(knowledge, f.options.Facts)
		shared[i].absorb(documents[0])
	}
	for _, a := range f.agents {
		if n := a.beyond(shared); n > 0 {
			return fmt.Errorf("the learned profiles lack %d facts of an agent", n)
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
