package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"bobwatch/internal/host"
	"bobwatch/internal/observation"
	"bobwatch/internal/term"
)

type traceOptions struct {
	observation.Observation
	format term.Format
	filter observation.Filter
	file   string
}

func newTraceCommand(t *term.Terminal) *cobra.Command {
	o := traceOptions{Observation: observation.Observation{Terminal: t}}
	c := &cobra.Command{
		Use:   "trace [FLAG]... [-- CMD [ARGUMENT]...]",
		Short: "Show live what a program or workload does for the first time",
		Long: `Show live what a program or workload does for the first time: a line for each
system call, program and file that is news.

Unlike strace, bobctl trace stops no process and costs next to nothing, because the
kernel sends only news: each system call once for a container, each file once for
each kind of access, and every execution. It does not show arguments and results
of system calls, nor files that do not exist. It shows a refused open with its
error and the name that the program used.
` + observationHelp + `

News of CMD goes to standard error, as with strace, so that you can pipe CMD's own
output. All other news goes to standard output. --out writes to a file instead.
Exits with 3 if CMD ended by itself and failed.`,
		Example: `  bobctl trace -- curl -s http://127.0.0.1/
  bobctl trace --pod shop/webapp-5d4b9c7f6-x2x7x --execs
  bobctl trace --workload shop/deploy/webapp -o json | jq -r 'select(.kind == "open").path'
  bobctl trace -e connect,bind,ptrace --container webapp
  bobctl trace -e '!futex' --syscalls -- make`,
		DisableFlagsInUseLine: true,

		RunE: func(c *cobra.Command, args []string) error { return runTrace(c.Context(), o, args) },
	}
	o.Register(c.Flags())
	registerFormat(c, &o.format)
	o.filter.Register(c.Flags())
	completeFlag(c, "events", observation.CallNames()...)
	c.Flags().StringVar(&o.file, "out", "", "write to `FILE`")
	return c
}

func runTrace(ctx context.Context, o traceOptions, args []string) error {
	if err := o.filter.Check(); err != nil {
		return err
	}
	observer, err := o.Open(args)
	if err != nil {
		return err
	}
	tr, err := o.tracer()
	if err != nil {
		return errors.Join(err, observer.Close())
	}
	ctx, stop := o.Limit(ctx)
	defer stop()
	err = errors.Join(o.Run(ctx, observer, tr), observer.Close(), tr.Close())
	if tr.Lost > 0 {
		fmt.Fprintf(o.Terminal.Err, "%s lost; the kernel sends an act when it is done again, an execution is lost\n", term.Plural(tr.Lost, "record"))
	}
	return err
}

func (o *traceOptions) tracer() (*observation.Tracer, error) {
	tr := &observation.Tracer{Format: o.format, Filter: &o.filter, Boot: host.BootTime(), Several: o.Pod != "" || o.Workload != ""}
	switch {
	case o.file != "":
		file, err := os.Create(o.file)
		if err != nil {
			return nil, err
		}
		tr.Out, tr.File = file, file
	case o.Command != nil:
		tr.Out, tr.Colours = o.Terminal.Err, o.Terminal.Colours
	default:
		tr.Out, tr.Colours = o.Terminal.Out, o.Terminal.Colours
	}
	return tr, nil
}
