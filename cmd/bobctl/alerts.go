package main

import (
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"
	xterm "golang.org/x/term"

	"bobwatch/internal/alert"
	"bobwatch/internal/board"
	"bobwatch/internal/cluster"
	"bobwatch/internal/fleet"
	"bobwatch/internal/severity"
	"bobwatch/internal/story"
	"bobwatch/internal/term"
)

type alertsOptions struct {
	fleet.Alerts // of the logs; also the filters
	source       incidentSource
	plain        bool
	logs         bool
	file         string
	silences     string
}

func newAlertsCommand(t *term.Terminal) *cobra.Command {
	o := alertsOptions{Alerts: fleet.Alerts{Terminal: t}}
	c := &cobra.Command{
		Use:   "alerts",
		Short: "Show the incidents on all nodes of a cluster, or of one agent",
		Long: `Show the incidents that the agents remember, the worst first: what happened, how
its process came into the container, whether the incident goes on, and how to
accept it.

On a terminal bobctl shows a list and keeps it up to date. Keys open an incident,
accept it (bobctl first shows the allowance that it would write to --file),
silence it until a date (bobctl writes entries for the agents' configuration to
--silences), and copy its story. In a pipe, and with --plain, each incident is one
line. With -o json each line is an alert with a story.

bobctl reads incidents from one of:
  - all agents of a cluster, through the API server (needs: get pods/proxy)
  - the HTTP port of one agent (--agent)
  - a file that -o json wrote (--from)

With --logs bobctl reads single alerts from the logs of the agents' pods instead
(needs: get pods/log). It shows each alert once with its nodes and pods, as far
back as the nodes keep logs.

Exits with 1 if bobctl could not ask every agent.`,
		Example: `  bobctl alerts
  bobctl alerts --since 2h --severity high --plain
  bobctl alerts --agent http://127.0.0.1:9464
  bobctl alerts show 4f0c7d1e
  bobctl alerts -o json >incidents.jsonl
  bobctl alerts --workload shop/Deployment/webapp -o json | bobctl allow --alert - --dry-run`,
		Args: none,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	registerFormat(c, &o.Format)
	o.source.register(c, &o.Cluster)
	flags := c.Flags()
	flags.Lookup("namespace").Usage = "`NAMESPACE` of the workloads (default: all)"
	flags.BoolVarP(&o.Follow, "follow", "f", false, "keep running and show new incidents")
	flags.BoolVar(&o.plain, "plain", false, "write lines on a terminal too")
	flags.BoolVar(&o.logs, "logs", false, "show single alerts from the logs of the agents' pods")
	flags.DurationVar(&o.Since, "since", 24*time.Hour, "begin this long ago")
	flags.StringVar(&o.Severity, "severity", severity.Low.String(), "lowest `SEVERITY` to show: low, medium, high or critical")
	flags.StringVar(&o.Workload, "workload", "", "show only the workload `NAMESPACE/KIND/NAME`; an empty part matches any")
	flags.StringVar(&o.file, "file", allowanceFile, "`FILE` to which the list writes allowances for accepted incidents")
	flags.StringVar(&o.silences, "silences", "silences.yaml", "`FILE` to which the list writes silences")
	completeFlag(c, "severity", "low", "medium", "high", "critical")
	completeFlagBy(c, "workload", fromCluster(&o.Cluster, workloads))
	c.AddCommand(newAlertsShowCommand(t))
	return c
}

func newAlertsShowCommand(t *term.Terminal) *cobra.Command {
	var source incidentSource
	var flags cluster.Flags
	list := story.List{Terminal: t}
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show one incident",
		Long: `Show one incident: what happened, how its process came into the container, whether
the incident goes on, its acts in order, and how to accept, silence and contain it.
The first characters of an ID are enough.

-o json writes an alert with a story, which bobctl allow --alert accepts.`,
		Example: `  bobctl alerts show 4f0c7d1e
  bobctl alerts show 4f0c7d1e -o json | bobctl allow --alert -
  bobctl alerts show 4f0c7d1e --html >incident.html
  bobctl alerts show 4f0c7d1e --from incidents.jsonl`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return term.Usagef("want the ID of one incident")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) (err error) {
			if list.Source, err = source.open(t); err != nil {
				return err
			}
			return list.Show(c.Context(), args[0])
		},
	}
	registerFormat(c, &list.Format)
	c.Flags().BoolVar(&list.Page, "html", false, "write one self-contained page for a browser")
	c.MarkFlagsMutuallyExclusive("html", "output")
	source.register(c, &flags)
	return c
}

// incidentSource is where incidents are read from.
type incidentSource struct {
	cluster *cluster.Flags
	agent   string
	from    string
}

func (s *incidentSource) register(c *cobra.Command, flags *cluster.Flags) {
	s.cluster = flags
	flags.Register(c.Flags())
	c.Flags().StringVar(&s.agent, "agent", "", "ask one agent at `URL`: http://HOST:PORT, https://HOST:PORT or unix:PATH")
	c.Flags().StringVar(&s.from, "from", "", "read incidents from `FILE`, which -o json wrote")
	c.MarkFlagsMutuallyExclusive("agent", "from")
	completeCluster(c, flags)
}

func (s *incidentSource) open(t *term.Terminal) (story.Source, error) {
	switch {
	case s.agent != "":
		return &story.Agent{Address: s.agent}, nil
	case s.from != "":
		return &story.File{In: t.In, Path: s.from}, nil
	}
	client, err := s.cluster.Connect()
	if err != nil {
		return nil, err
	}
	return &story.Cluster{Client: client}, nil
}

func (o *alertsOptions) run(ctx context.Context) error {
	wanted, err := o.Filter()
	if err != nil {
		return err
	}
	if o.logs {
		if o.source.agent != "" || o.source.from != "" {
			return term.Usagef("--logs reads the logs of a cluster; leave --agent and --from out")
		}
		return o.Alerts.Run(ctx)
	}
	source, err := o.source.open(o.Terminal)
	if err != nil {
		return err
	}
	set := &story.Set{Wanted: func(a *alert.Alert) bool {
		return wanted(a) && (!a.Story.Ended || time.Since(a.Last) <= o.Since)
	}}
	if o.interactive() {
		return board.Run(ctx, board.Options{
			Terminal: o.Terminal, Source: source, Set: set, Span: o.Since.String(), Allowances: o.file, Silences: o.silences,
		})
	}
	list := story.List{Terminal: o.Terminal, Format: o.Format, Source: source, Follow: o.Follow, Span: o.Since.String()}
	return list.Run(ctx, set)
}

// interactive reports whether a user can press keys.
func (o *alertsOptions) interactive() bool {
	isTerminal := func(file any) bool {
		f, ok := file.(*os.File)
		return ok && xterm.IsTerminal(int(f.Fd()))
	}
	return o.Format == term.Table && !o.plain && !o.Follow && isTerminal(o.Terminal.In) && isTerminal(o.Terminal.Out)
}
