// Package rollout puts documents into force on all nodes of a cluster, and takes
// them out: it shows a change, asks, writes the ConfigMap, and waits until the
// agent of every node has taken it in, or says why not.
package rollout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"

	"bobwatch/internal/cluster"
	"bobwatch/internal/term"
)

// Change holds the options that install and uninstall share.
type Change struct {
	Terminal *term.Terminal
	Format   term.Format
	Cluster  cluster.Flags
	DryRun   bool
	yes      bool
	Wait     bool
	Timeout  time.Duration
}

// Register registers the flags, except for the format.
func (o *Change) Register(flags *pflag.FlagSet) {
	o.Cluster.Register(flags)
	flags.BoolVar(&o.DryRun, "dry-run", false, "show the change, let the API server check it, and change nothing")
	flags.BoolVarP(&o.yes, "yes", "y", false, "do not ask for confirmation")
	flags.BoolVar(&o.Wait, "wait", true, "wait until the agents of all nodes have applied the change")
	flags.DurationVar(&o.Timeout, "timeout", time.Minute, "wait at most `TIME`")
}

// out is where people read: standard output belongs to the result.
func (o *Change) out() io.Writer {
	if o.Format != term.Table {
		return o.Terminal.Err
	}
	return o.Terminal.Out
}

func (o *Change) say(format string, args ...any) { fmt.Fprintf(o.out(), format+"\n", args...) }

// Result is the form of an outcome for machines.
type Result struct {
	Namespace string        `json:"namespace"`
	Name      string        `json:"name"`
	Digest    string        `json:"digest,omitempty"` // as agents have it in their status
	SignedBy  string        `json:"signedBy,omitempty"`
	Changed   bool          `json:"changed"`
	DryRun    bool          `json:"dryRun,omitempty"`
	Agents    []nodeOpinion `json:"agents,omitempty"`
}

// encode writes the result for machines.
func (o *Change) encode(r *Result) error {
	if o.Format == term.Table {
		return nil
	}
	return o.Format.Encode(o.Terminal.Out, r)
}

// agree asks whether to go on, unless the user said so.
func (o *Change) agree(ctx context.Context, question string) error {
	if o.yes {
		return nil
	}
	ok, err := term.Confirm(ctx, question)
	if err == nil && !ok {
		err = errors.New("nothing was changed")
	}
	return err
}

// await waits for the agents, if that is wanted, and prints the result. done is the
// state of the ConfigMap's document on agents that have applied the change.
func (o *Change) await(ctx context.Context, client *cluster.Client, v documentVersion, r *Result, done string) error {
	if !o.Wait || o.DryRun {
		return o.encode(r)
	}
	waiting, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	opinions, err := v.wait(waiting, client, term.NewProgressLine(o.Terminal.Err))
	if err != nil {
		return errors.Join(fmt.Errorf("wait for the agents: %w", err), o.encode(r))
	}
	r.Agents = opinions
	return errors.Join(o.verdict(r, done), o.encode(r))
}

// verdict says which agents took it in, and which did not.
func (o *Change) verdict(r *Result, done string) error {
	id := r.Namespace + "/" + r.Name
	if n := count(r.Agents, taken); n > 0 {
		o.say("%s is %s on %s", id, o.Terminal.Colour(term.Green, done), term.Plural(uint64(n), "node"))
	}
	writeOpinions(o.Terminal, o.out(), r.Agents)
	if count(r.Agents, refused) > 0 {
		for _, line := range refusalLines(r.Agents) {
			o.say("%s", line)
		}
		return term.ErrFound
	}
	if n := count(r.Agents, pending); n > 0 {
		return fmt.Errorf("%s of %d did not take it in within %s", term.Plural(uint64(n), "node"), len(r.Agents), o.Timeout)
	}
	return nil
}
