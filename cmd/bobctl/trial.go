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
		Long: `Hold a workload to a document for a while, under your load. The report lists:
  - acts that the document does not list, and the processes that did them
  - which of these acts are known differences between platforms
  - entries of the document that the workload never used

In a cluster bobctl runs itself on the nodes, in the agents' pods (needs: create
pods/exec there). It changes nothing, and the document need not be signed or in
force. With --file bobctl deploys the workload, watches it from its start, and
removes it again. On this machine bobctl watches a container, or a program that it
starts.

The report says in which way it is incomplete. If bobctl observed nothing, or lost
records, the workload does not pass, even without a deviation.

Exits with 0 if the workload passed, with 3 if it deviated, and with 1 if bobctl
cannot tell.`,
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
	flags.DurationVar(&o.Duration, "for", time.Minute, "watch for `TIME`, or until CMD ends")
	flags.StringArrayVar(&o.Baseline, "baseline", nil, "`FILE` with documents that apply in addition to BOB, such as allowances (repeatable)")
	flags.StringVar(&o.Values, "values", "", "`FILE` with the values of BOB's parameters or placeholders")
	flags.StringVar(&o.JUnit, "junit", "", "write the report to `FILE` as JUnit XML")
	flags.StringVar(&o.HTML, "html", "", "write the report to `FILE` as a page for a browser")
	flags.StringVar(&o.Patch, "patch", "", "if the workload deviated, write to `FILE` the allowance that would make it pass")
	o.Local.Register(flags)
	o.Cluster.Register(flags)
	completeCluster(c, &o.Cluster.Flags)
	return c
}

// splitCommand splits the arguments into the document and the program after "--".
func splitCommand(args []string, dash int) (bob string, command []string, err error) {
	if dash >= 0 {
		args, command = args[:dash], args[dash:]
	}
	if len(args) != 1 {
		return "", nil, term.Usagef("want 1 BOB, got %d; a program stands behind --", len(args))
	}
	return args[0], command, nil
}
