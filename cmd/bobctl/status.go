package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"bobwatch/internal/cluster"
	"bobwatch/internal/fleet"
	"bobwatch/internal/term"
)

type statusOptions struct {
	terminal *term.Terminal
	format   term.Format
	cluster  cluster.Flags
	watch    bool
}

func newStatusCommand(t *term.Terminal) *cobra.Command {
	o := statusOptions{terminal: t}
	c := &cobra.Command{
		Use:   "status",
		Short: "Show agents, workloads and documents of a cluster",
		Long: `Show which agents of a cluster watch, how far they have learned each workload, and
which documents are in force or refused. bobctl asks every agent through the API
server (needs: get pods/proxy).

It shows workloads and documents of all namespaces unless --namespace names one. A
workload is learned when the node that has watched it longest has done so for the
workload's window.

Exits with 3 if an agent is not ready or does not answer, or if an agent refuses a
document.`,
		Example: `  bobctl status
  bobctl status -n shop --watch
  bobctl status -o json | jq '.workloads[] | select(.state == "learning")'`,
		Args: none,
		RunE: func(c *cobra.Command, _ []string) error { return runStatus(c.Context(), &o) },
	}
	registerFormat(c, &o.format)
	o.cluster.Register(c.Flags())
	c.Flags().Lookup("namespace").Usage = "`NAMESPACE` of workloads and documents (default: all)"
	c.Flags().BoolVarP(&o.watch, "watch", "w", false, "refresh every two seconds")
	completeCluster(c, &o.cluster)
	return c
}

// watchInterval is how often the status is asked for again.
const watchInterval = 2 * time.Second

func runStatus(ctx context.Context, o *statusOptions) error {
	client, err := o.cluster.Connect()
	if err != nil {
		return err
	}
	for {
		s, err := o.ask(ctx, client)
		if ctx.Err() != nil && o.watch {
			return nil
		}
		if err != nil {
			return err
		}
		if err := o.show(s); err != nil {
			return err
		}
		switch {
		case !o.watch && !s.Fine():
			return term.ErrFound
		case !o.watch:
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchInterval):
		}
	}
}

func (o *statusOptions) ask(ctx context.Context, client *cluster.Client) (*fleet.Status, error) {
	agents, err := client.Agents(ctx)
	if err != nil {
		return nil, err
	}
	s := fleet.NewStatus(client.Statuses(ctx, agents), o.cluster.Namespace)
	// Users who may not list ConfigMaps of the agents' namespace see the rest.
	if learned, err := client.LearnedProfiles(ctx, agents[0].Namespace, o.cluster.Namespace); err == nil {
		s.AddLearned(learned)
	}
	return s, nil
}

// show writes the status; on a terminal in the place of the one before.
func (o *statusOptions) show(s *fleet.Status) error {
	if o.format != term.Table {
		return o.format.Encode(o.terminal.Out, s)
	}
	if o.watch {
		o.terminal.Clear()
	}
	_, err := fmt.Fprint(o.terminal.Out, fleet.Table(o.terminal, s, time.Now()))
	return err
}
