package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"bobwatch/internal/alert"
	"bobwatch/internal/cluster"
	"bobwatch/internal/docfile"
	"bobwatch/internal/fleet"
	"bobwatch/internal/profile"
	"bobwatch/internal/severity"
	"bobwatch/internal/term"
)

type alertsOptions struct {
	terminal *term.Terminal
	format   term.Format
	cluster  cluster.Flags
	follow   bool
	since    time.Duration
	severity string
	workload string
}

func newAlertsCommand(t *term.Terminal) *cobra.Command {
	o := alertsOptions{terminal: t}
	c := &cobra.Command{
		Use:   "alerts",
		Short: "Show the deviations on all nodes of a cluster",
		Long: `Show what deviated, on all nodes of a cluster, from the logs of the agents' pods:
each incident once, with how often it happened, since when, on which nodes and
in which pods, and the command that accepts it.

Logs that the nodes have rotated away are not seen; a sink of the agent keeps
alerts for longer. With -o json each incident is an alert as the agent writes
it, on a line of its own, with all its nodes and pods. Reading takes the right
to get pods/log.

Exits with 1 if the log of an agent could not be read.`,
		Example: `  bobctl alerts --since 24h --severity high
  bobctl alerts -f -n shop
  bobctl alerts --workload shop/Deployment/webapp -o json | bobctl allow --alert - --dry-run`,
		Args: none,
		RunE: func(c *cobra.Command, _ []string) error { return runAlerts(c.Context(), &o) },
	}
	registerFormat(c, &o.format)
	o.cluster.Register(c.Flags())
	flags := c.Flags()
	flags.Lookup("namespace").Usage = "`NAMESPACE` of the workloads (default: all)"
	flags.BoolVarP(&o.follow, "follow", "f", false, "go on with what comes")
	flags.DurationVar(&o.since, "since", time.Hour, "begin so long ago")
	flags.StringVar(&o.severity, "severity", severity.Low.String(), "leave out what is less than `SEVERITY`: low, medium, high or critical")
	flags.StringVar(&o.workload, "workload", "", "`NAMESPACE/KIND/NAME` of the only workload; what is empty is any")
	completeCluster(c, &o.cluster)
	completeFlag(c, "severity", "low", "medium", "high", "critical")
	completeFlagBy(c, "workload", fromCluster(&o.cluster, workloads))
	return c
}

func runAlerts(ctx context.Context, o *alertsOptions) error {
	wanted, err := o.filter()
	if err != nil {
		return err
	}
	client, err := o.cluster.Connect()
	if err != nil {
		return err
	}
	incidents := fleet.NewIncidents()
	var unread, written error
	watch := cluster.Watch{
		Since:  time.Now().Add(-o.since),
		Follow: o.follow,
		Trouble: func(a cluster.Agent, err error) {
			fmt.Fprintf(o.terminal.Err, "warning: %s: %s\n", term.Word(a.Node), term.Escape(err.Error()))
			unread = errors.New("not all alerts could be read")
		},
	}
	err = client.Alerts(ctx, watch, func(a alert.Alert) {
		if !wanted(&a) {
			return
		}
		i, fresh := incidents.Add(&a)
		if o.follow && written == nil {
			written = o.write(i, fresh)
		}
	})
	if err != nil {
		return fmt.Errorf("read alerts: %w", err)
	}
	if o.follow {
		return written // an interruption is how it ends
	}
	return errors.Join(o.writeAll(incidents), unread)
}

// filter returns what decides whether an alert is of interest.
func (o *alertsOptions) filter() (func(*alert.Alert) bool, error) {
	least, err := severity.Parse(o.severity)
	if err != nil {
		return nil, term.Usagef("--severity: %v", err)
	}
	if o.since <= 0 {
		return nil, term.Usagef("--since %s: want a time that is over", o.since)
	}
	var only profile.Workload
	if o.workload != "" {
		if only, err = docfile.ParseWorkload(o.workload); err != nil {
			return nil, term.Usagef("--workload %s: %v", term.Word(o.workload), err)
		}
	}
	is := func(want, got string) bool { return want == "" || want == got }
	return func(a *alert.Alert) bool {
		w := &a.Workload
		return a.Severity >= least && is(o.cluster.Namespace, w.Namespace) &&
			is(only.Namespace, w.Namespace) && is(only.Kind, w.Kind) && is(only.Name, w.Name)
	}, nil
}

// writeAll writes all incidents, the newest last.
func (o *alertsOptions) writeAll(all *fleet.Incidents) error {
	sorted := all.Sorted()
	if len(sorted) == 0 && o.format == term.Table {
		fmt.Fprintf(o.terminal.Err, "no alerts in the last %s\n", o.since)
	}
	for _, i := range sorted {
		if err := o.write(i, true); err != nil {
			return err
		}
	}
	return nil
}

// write writes an incident; fresh says that it was not written before.
func (o *alertsOptions) write(i *fleet.Incident, fresh bool) error {
	switch o.format {
	case term.JSON:
		return o.format.Line(o.terminal.Out, i.Result())
	case term.YAML:
		fmt.Fprintln(o.terminal.Out, "---")
		return o.format.Encode(o.terminal.Out, i.Result())
	}
	_, err := fmt.Fprint(o.terminal.Out, fleet.Text(o.terminal, i, fresh, time.Now()))
	return err
}
