package main

import (
	"time"

	"github.com/spf13/cobra"

	"bobwatch/internal/fleet"
	"bobwatch/internal/severity"
	"bobwatch/internal/term"
)

func newAlertsCommand(t *term.Terminal) *cobra.Command {
	o := fleet.Alerts{Terminal: t}
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
		RunE: func(c *cobra.Command, _ []string) error { return o.Run(c.Context()) },
	}
	registerFormat(c, &o.Format)
	o.Cluster.Register(c.Flags())
	flags := c.Flags()
	flags.Lookup("namespace").Usage = "`NAMESPACE` of the workloads (default: all)"
	flags.BoolVarP(&o.Follow, "follow", "f", false, "go on with what comes")
	flags.DurationVar(&o.Since, "since", time.Hour, "begin so long ago")
	flags.StringVar(&o.Severity, "severity", severity.Low.String(), "leave out what is less than `SEVERITY`: low, medium, high or critical")
	flags.StringVar(&o.Workload, "workload", "", "`NAMESPACE/KIND/NAME` of the only workload; what is empty is any")
	completeCluster(c, &o.Cluster)
	completeFlag(c, "severity", "low", "medium", "high", "critical")
	completeFlagBy(c, "workload", fromCluster(&o.Cluster, workloads))
	return c
}
