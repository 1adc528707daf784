package main

import (
	"time"

	"github.com/spf13/cobra"

	"bobwatch/internal/term"
	"bobwatch/internal/trial"
)

// trialOptions are those of the command test.
func newTestCommand(t *term.Terminal) *cobra.Command {
	o := trial.Test{Terminal: t}
	o.Local.Terminal, o.Cluster.Terminal = t, t
	o.Local.Tool = "bobctl " + version
	c := &cobra.Command{
		Use:   "test BOB (--workload NAMESPACE/KIND/NAME | --file MANIFEST | --container ID | -- CMD)",
		Short: "Hold a workload to a document for a while, and report",
		Long: `Hold a workload to a document for a while, under your load, and report what it
did that the document does not list, who did it, what of it only tells platforms
apart, and what of the document was never made use of.

In a cluster it is watched by bobctl itself on the nodes, in the agents' pods
(which takes the right to create pods/exec there); nothing is changed, and the
document need not be signed or in force. With --file the workload is deployed,
watched from its start, and removed again. On this machine a container is
watched, or a program that is started.

The report says in which way its knowledge is incomplete. If nothing was
observed, or something was lost, no deviation is no pass.

Exits with 0 if it passed, with 3 if it deviated, and with 1 if that cannot be
said.`,
		Example: `  bobctl test webapp.yaml --workload shop/deploy/webapp --for 5m --html report.html
  bobctl test webapp.yaml --file bob.test.yaml --junit report.xml --patch allowances.yaml
  bobctl test redis.yaml --for 20s -- redis-server --port 7777
  bobctl test webapp.yaml --baseline allowances.yaml --container web -o json`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			bob, command, err := splitCommand(args, c.ArgsLenAtDash())
			if err != nil {
				return err
			}
			o.Local.Args = command
			return o.Run(c.Context(), bob)
		},
	}
	flags := c.Flags()
	registerFormat(c, &o.Format)
	flags.DurationVar(&o.Duration, "for", time.Minute, "watch for `TIME`; CMD may end before")
	flags.StringArrayVar(&o.Baseline, "baseline", nil, "`FILE` with documents that hold besides BOB, such as allowances (repeatable)")
	flags.StringVar(&o.Values, "values", "", "`FILE` with the values of BOB's parameters or placeholders")
	flags.StringVar(&o.JUnit, "junit", "", "write the report to `FILE` as JUnit's XML")
	flags.StringVar(&o.HTML, "html", "", "write the report to `FILE` as a page to look at")
	flags.StringVar(&o.Patch, "patch", "", "write to `FILE` the allowance that would make it pass, if it deviated")
	o.Local.Register(flags)
	o.Cluster.Register(flags)
	completeCluster(c, &o.Cluster.Flags)
	return c
}

// splitCommand tells the document from the program that is behind "--".
func splitCommand(args []string, dash int) (bob string, command []string, err error) {
	if dash >= 0 {
		args, command = args[:dash], args[dash:]
	}
	if len(args) != 1 {
		return "", nil, term.Usagef("want 1 BOB, got %d; a program stands behind --", len(args))
	}
	return args[0], command, nil
}
