// Command local brings up a Kubernetes on this machine, and takes it down; see
// `make cluster-up`, `make cluster-load` and `make cluster-down`.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/term"

	"bobwatch/test/cluster"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	switch {
	case len(args) == 1 && args[0] == "down":
		return cluster.ByHand.Down(ctx)
	case len(args) == 1 && args[0] == "load":
		return load(ctx)
	case len(args) == 3 && args[0] == "up":
		nodes, err := strconv.Atoi(args[1])
		if err != nil || nodes < 1 || nodes > cluster.MaxNodes {
			return fmt.Errorf("%q is not a number of nodes from 1 to %d", args[1], cluster.MaxNodes)
		}
		return up(ctx, cluster.Options{Place: cluster.ByHand, Nodes: nodes, Programs: args[2]})
	}
	return errors.New("usage: local up NODES PROGRAMS | local load | local down")
}

func load(ctx context.Context) error {
	agent, err := cluster.AgentImage(ctx)
	if err != nil {
		return err
	}
	return cluster.ByHand.Load(ctx, agent)
}

func up(ctx context.Context, o cluster.Options) error {
	start := time.Now()
	line, clear := "%s\n", ""
	if term.IsTerminal(int(os.Stderr.Fd())) {
		line, clear = "\r\x1b[K%s…", "\r\x1b[K" // each over the one before
	}
	o.Progress = func(step string) { fmt.Fprintf(os.Stderr, line, step) }
	c, err := cluster.Up(ctx, o)
	if err != nil {
		fmt.Fprint(os.Stderr, clear)
		return err
	}
	o.Progress("building and loading the agent")
	err = load(ctx)
	fmt.Fprint(os.Stderr, clear)
	if err != nil {
		return errors.Join(err, c.Close())
	}
	fmt.Fprintf(os.Stderr, "ready after %s; `make cluster-down` ends it\n", time.Since(start).Round(100*time.Millisecond))
	fmt.Printf("export KUBECONFIG=%s PATH=%s:$PATH\n", c.Kubeconfig, c.Programs)
	return c.Keep()
}
