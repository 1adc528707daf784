package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"bobwatch/internal/allowance"
	"bobwatch/internal/docfile"
	"bobwatch/internal/listing"
	"bobwatch/internal/profile"
	"bobwatch/internal/rollout"
	"bobwatch/internal/term"
)

// allowanceFile is where allowances go by default.
const allowanceFile = "allowances.yaml"

type allowOptions struct {
	terminal  *term.Terminal
	allowance allowance.Allowance
	alerts    string
	file      string
	dryRun    bool
	apply     applyOptions
}

func newAllowCommand(t *term.Terminal) *cobra.Command {
	o := allowOptions{terminal: t}
	c := &cobra.Command{
		Use:   "allow (--workload NAMESPACE/KIND/NAME --syscall|--exec|--open ... | --alert FILE)",
		Short: "Accept the act that an alert reported",
		Long: `Accept the act that an alert reported.

Each alert carries the command line to paste. bobctl adds the act to a document of
your own, the allowance. The allowance adds to every document about the workload,
and stays in place across releases. An empty part of --workload matches any.

bobctl replaces the file atomically and drops its comments. If the file already
allows the act, bobctl changes nothing.

With --apply bobctl writes the allowance to the ConfigMap
` + rollout.AllowanceMap + ` in the workload's namespace, signs it if --key is given,
and waits until the agents of all nodes have loaded it, or says why one did not.
An allowance that exists there already must have a signature of the same key. Exits
with 3 if it does not, or if an agent refuses the allowance.`,
		Example: `  bobctl allow --workload shop/Deployment/webapp --container web --open /etc/shadow --flags O_RDONLY
  bobctl allow --workload shop/Deployment/webapp --container web --exec /bin/cat --arg cat --arg ⋯
  bobctl allow --workload shop/Deployment/webapp --container web --arch 386 --syscall getpid
  tail -n 1 alerts.json | bobctl allow --alert - --file /etc/bobwatch/profiles --dry-run
  bobctl allow --apply --key ops.key --workload shop/Deployment/webapp --container web --syscall gettid
  bobctl alerts --workload shop/Deployment/webapp -o json | bobctl allow --alert - --apply --key ops.key`,
		Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.alerts != "" && anyGiven(c.Flags(), new(allowance.Allowance).Register) {
				return term.Usagef("--alert says what to allow; leave the other flags out")
			}
			if err := o.apply.check(c.Flags()); err != nil {
				return err
			}
			return runAllow(c.Context(), o)
		},
	}
	flags := c.Flags()
	o.allowance.Register(flags)
	flags.StringVar(&o.alerts, "alert", "", "allow the acts that the alerts in `FILE` report (one JSON object a line)")
	flags.StringVarP(&o.file, "file", "f", allowanceFile, "`FILE` to add to, or a directory that holds "+allowanceFile)
	flags.BoolVar(&o.dryRun, "dry-run", false, "write the resulting documents to standard output, and change nothing")
	o.apply.register(c, t)
	completeAct(c)
	completeFlag(c, "arch", "amd64", "arm64", "386", "arm")
	completeFlagBy(c, "workload", fromCluster(&o.apply.Cluster, workloads))
	return c
}

func runAllow(ctx context.Context, o allowOptions) error {
	additions, refused, err := o.additions()
	if err != nil {
		return err
	}
	if o.apply.wanted {
		return errors.Join(refused, o.applyAll(ctx, additions))
	}
	path := o.file
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, allowanceFile)
	}
	documents, err := allowance.ReadFile(path)
	if err != nil {
		return err
	}
	out := o.terminal.Out
	if o.dryRun {
		out = o.terminal.Err // the documents go to out
	}
	changed := false
	for _, addition := range additions {
		next, err := allowance.Add(documents, addition)
		if err != nil {
			return err
		}
		if next == nil {
			fmt.Fprintf(out, "%s allows %s already:\n%s", path, listing.Subject(addition), listing.Acts(addition, ' '))
			continue
		}
		documents, changed = next, true
		fmt.Fprintf(out, "%s allows %s:\n%s", path, listing.Subject(addition), listing.Acts(addition, '+'))
		allowance.Warn(o.terminal, addition)
	}
	switch {
	case o.dryRun:
		text, err := docfile.Marshal(documents)
		if err != nil {
			return err
		}
		if _, err := o.terminal.Out.Write(text); err != nil {
			return err
		}
	case changed:
		if err := allowance.WriteFile(o.terminal.Out, path, documents); err != nil {
			return err
		}
	}
	return refused
}

// additions returns the documents to add. refused names alerts that no document can
// accept; the others are accepted all the same.
func (o *allowOptions) additions() (additions []*profile.Profile, refused, err error) {
	if o.alerts != "" {
		return allowance.FromAlerts(o.terminal.In, o.alerts)
	}
	addition, err := o.allowance.Profile()
	if err != nil {
		return nil, nil, err
	}
	return []*profile.Profile{addition}, nil, nil
}
