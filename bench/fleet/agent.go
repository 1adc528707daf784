package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"bobwatch/internal/kubernetes"
	"bobwatch/internal/workload"
)

// saveInterval is how often an agent shares a profile that still grows, but
// saveShare times in a window at least, as in internal/agent.
const (
	saveInterval = 30 * time.Second
	saveShare    = 20
)

// agent is a node's, without its kernel: it learns what chance shows it.
type agent struct {
	options    options
	learned    *kubernetes.Learned
	unanswered atomic.Int64 // questions at the start

	mu        sync.Mutex
	workloads []learning
	numbers   map[workload.Key]int
}

// learning is what an agent knows of a workload.
type learning struct {
	knowledge
	unsaved bool
}

func newAgent(kubeconfig, node string, o options) (*agent, error) {
	client, err := kubernetes.Connect(kubernetes.Options{
		Kubeconfig: kubeconfig, Node: node, Version: "fleet", Log: zap.NewNop(), LearnedNamespace: "default",
	})
	if err != nil {
		return nil, err
	}
	a := &agent{options: o, numbers: map[workload.Key]int{}}
	a.learned = client.Learned(a.merged)
	for i := range o.Workloads {
		a.numbers[keyOf(i)] = i
		a.workloads = append(a.workloads, learning{knowledge: first(o.Facts), unsaved: true})
	}
	return a, nil
}

// merged takes over what other nodes know.
func (a *agent) merged(key workload.Key, r kubernetes.Record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.workloads[a.numbers[key]].absorb(r.Profile)
}

// run is an agent's life: it asks what is known of the workloads that start,
// and meets rare facts of each of them while learning.
func (a *agent) run(ctx context.Context, learning time.Duration) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.learned.Run(ctx) })
	group.Go(func() error {
		for i := range a.workloads {
			record, _, err := a.learned.Load(ctx, keyOf(i))
			if err != nil {
				a.unanswered.Add(1) // it does without
			}
			if record != nil {
				a.merged(keyOf(i), *record)
			}
		}
		end := time.Now().Add(learning)
		interval := min(saveInterval, a.options.Window/saveShare)
		for {
			a.save()
			if !pause(ctx, interval/2+rand.N(interval)) {
				return nil
			}
			if time.Now().Before(end) {
				a.meet()
			}
		}
	})
	return group.Wait()
}

// meet has each workload show something rare.
func (a *agent) meet() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.workloads {
		w := &a.workloads[i]
		for range 2 {
			w.unsaved = w.meet() || w.unsaved
		}
	}
}

// save shares what grew.
func (a *agent) save() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.workloads {
		w, key := &a.workloads[i], keyOf(i)
		if !w.unsaved {
			continue
		}
		w.unsaved = false
		a.learned.Put(kubernetes.Subject{Key: key, Image: "registry.example/" + key.OwnerName},
			kubernetes.Record{Profile: w.document(key), Window: a.options.Window, Replicas: 1})
	}
}

// beyond counts what the agent knows of its workloads beyond what is shared.
func (a *agent) beyond(shared []knowledge) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for i, w := range a.workloads {
		for fact, known := range w.knowledge {
			if known && !shared[i][fact] {
				n++
			}
		}
	}
	return n
}

// pause waits for d, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
