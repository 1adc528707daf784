// Command fleet measures what a fleet of agents asks of a real API server when
// all of them learn the same workloads at once, as after a rollout on every
// node, and what they ask once nothing is new. See docs/benchmarks.md.
//
// It starts an etcd and a kube-apiserver, and runs the agents' side of the API
// server (internal/kubernetes) once for each node, in this process. It needs no
// root.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/klog/v2"

	"bobwatch/test/cluster"
)

func main() {
	var o options
	flag.IntVar(&o.Agents, "agents", 1000, "`number` of nodes")
	flag.IntVar(&o.Workloads, "workloads", 20, "`number` of workloads, of which every node runs all")
	flag.IntVar(&o.Facts, "facts", 100, "`number` of entries of a workload's profile")
	flag.DurationVar(&o.Window, "window", 24*time.Hour, "learning `window`, which says how patient writes are")
	flag.DurationVar(&o.Learning, "learning", 2*time.Minute, "`time` in which something new is seen")
	flag.DurationVar(&o.After, "after", time.Minute, "`time` to measure once nothing is new")
	file := flag.String("json", "bin/fleet.json", "`file` to write the report to")
	flag.Parse()
	klog.SetSlogLogger(slog.New(slog.DiscardHandler)) // of client-go, on what agents put up with

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := bench(ctx, o, *file); err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

// options of a run.
type options struct {
	Agents    int           `json:"agents"`
	Workloads int           `json:"workloads"`
	Facts     int           `json:"facts"`
	Window    time.Duration `json:"windowNs"`
	Learning  time.Duration `json:"learningNs"`
	After     time.Duration `json:"afterNs"`
}

func bench(ctx context.Context, o options, file string) error {
	out, err := exec.CommandContext(ctx, "test/tools/kubernetes.sh").Output()
	if err != nil {
		return fmt.Errorf("build Kubernetes: %w", err)
	}
	dir, err := os.MkdirTemp("", "bobwatch-fleet-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	server, err := cluster.StartControlPlane(ctx, dir, strings.TrimSpace(string(out)))
	if err != nil {
		return err
	}
	r, err := simulate(ctx, server, o)
	if err := errors.Join(err, server.Close()); err != nil {
		return err
	}
	r.print(os.Stdout)
	return r.save(file)
}

// save writes the report as JSON.
func (r *report) save(file string) error {
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}
