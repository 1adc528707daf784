package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"bobwatch/internal/cluster"
	"bobwatch/internal/term"
)

// change is what install and uninstall have in common: where, and how careful.
type change struct {
	terminal *term.Terminal
	format   term.Format
	cluster  cluster.Flags
	dryRun   bool
	yes      bool
	wait     bool
	timeout  time.Duration
}

func (o *change) register(c *cobra.Command) {
	flags := c.Flags()
	registerFormat(c, &o.format)
	o.cluster.Register(flags)
	flags.BoolVar(&o.dryRun, "dry-run", false, "let the API server check the change, show it, and change nothing")
	flags.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	flags.BoolVar(&o.wait, "wait", true, "wait until the agents of all nodes have taken it in")
	flags.DurationVar(&o.timeout, "timeout", time.Minute, "wait for `TIME` at most")
	completeCluster(c, &o.cluster)
}

// out is where people read: standard output belongs to the result.
func (o *change) out() io.Writer {
	if o.format != term.Table {
		return o.terminal.Err
	}
	return o.terminal.Out
}

func (o *change) say(format string, args ...any) { fmt.Fprintf(o.out(), format+"\n", args...) }

// changeResult is the form of an outcome for machines.
type changeResult struct {
	Namespace string        `json:"namespace"`
	Name      string        `json:"name"`
	Digest    string        `json:"digest,omitempty"` // as agents have it in their status
	SignedBy  string        `json:"signedBy,omitempty"`
	Changed   bool          `json:"changed"`
	DryRun    bool          `json:"dryRun,omitempty"`
	Agents    []nodeOpinion `json:"agents,omitempty"`
}

// encode writes the result for machines.
func (o *change) encode(r *changeResult) error {
	if o.format == term.Table {
		return nil
	}
	return o.format.Encode(o.terminal.Out, r)
}

// agree asks whether to go on, unless the user said so.
func (o *change) agree(ctx context.Context, question string) error {
	if o.yes {
		return nil
	}
	ok, err := term.Confirm(ctx, question)
	if err == nil && !ok {
		err = errors.New("nothing was changed")
	}
	return err
}

// await waits for the agents, if that is wanted, and says what came of it:
// what they have done to the ConfigMap's document once they took it in is
// done.
func (o *change) await(ctx context.Context, client *cluster.Client, v documentVersion, r *changeResult, done string) error {
	if !o.wait || o.dryRun {
		return o.encode(r)
	}
	waiting, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	opinions, err := v.wait(waiting, client, term.NewProgressLine(o.terminal.Err))
	if err != nil {
		return errors.Join(fmt.Errorf("wait for the agents: %w", err), o.encode(r))
	}
	r.Agents = opinions
	return errors.Join(o.verdict(r, done), o.encode(r))
}

// verdict says which agents took it in, and which did not.
func (o *change) verdict(r *changeResult, done string) error {
	id := r.Namespace + "/" + r.Name
	if n := count(r.Agents, taken); n > 0 {
		o.say("%s is %s on %s", id, o.terminal.Colour(term.Green, done), nodes(n))
	}
	writeOpinions(o.terminal, o.out(), r.Agents)
	if count(r.Agents, refused) > 0 {
		for _, line := range refusalLines(r.Agents) {
			o.say("%s", line)
		}
		return term.ErrFound
	}
	if n := count(r.Agents, pending); n > 0 {
		return fmt.Errorf("%s of %d did not take it in within %s", nodes(n), len(r.Agents), o.timeout)
	}
	return nil
}

func nodes(n int) string {
	if n == 1 {
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", n)
}
