package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"bobwatch/internal/docfile"
	"bobwatch/internal/listing"
	"bobwatch/internal/observation"
	"bobwatch/internal/observe"
	"bobwatch/internal/term"
)

type summaryOptions struct {
	observation.Observation
	format term.Format
	all    bool
	result docfile.Output
}

func newSummaryCommand(t *term.Terminal) *cobra.Command {
	o := summaryOptions{Observation: observation.Observation{Terminal: t}}
	c := &cobra.Command{
		Use:   "summary [FLAG]... [-- CMD [ARGUMENT]...]",
		Short: "Count what a program or workload does",
		Long: `Count what a program or workload does: the programs that it executes, the files
that it opens, the addresses that it connects to and binds, its system calls with
their errors, and the first and last time of each.
` + observationHelp + `

bobctl counts system calls and addresses in the kernel, which makes every system
call of the machine a little slower: use it for a short look. bobctl lists a file
when it is first opened, and does not count opens. Addresses are the arguments of
64-bit calls of connect, bind and sendto.

bobctl writes the result when CMD has ended, after CMD's own standard output, or
with ctrl-C, or after --for. The table cuts long lists short; --all shows every
entry. Exits with 3 if CMD ended by itself and failed.`,
		Example: `  bobctl summary -- curl -s http://127.0.0.1/
  bobctl summary --workload shop/deploy/webapp --for 60s
  bobctl summary --pod shop/webapp-5d4b9c7f6-x2x7x --for 60s -o json | jq '.[].syscalls[] | select(.errors > 0)'
  bobctl summary --cgroup /system.slice/nginx.service --for 10s --all`,
		DisableFlagsInUseLine: true,

		RunE: func(c *cobra.Command, args []string) error { return runSummary(c.Context(), o, args) },
	}
	o.Register(c.Flags())
	registerFormat(c, &o.format)
	c.Flags().BoolVar(&o.all, "all", false, "show all entries of every list")
	o.result.Register(c.Flags())
	return c
}

func runSummary(ctx context.Context, o summaryOptions, args []string) error {
	observer, err := o.Open(args)
	if err != nil {
		return err
	}
	defer observer.Close()
	counted, err := observer.Summarize()
	if err != nil {
		return err
	}
	ctx, stop := o.Limit(ctx)
	defer stop()
	err = errors.Join(o.Run(ctx, observer, counted), counted.Close())
	if err != nil && !errors.Is(err, term.ErrFound) {
		return err
	}
	summaries, uncounted, countErr := counted.Summaries()
	if countErr != nil {
		return countErr
	}
	if uncounted > 0 {
		fmt.Fprintf(o.Terminal.Err, "%s were not counted: there are too many containers\n", term.Plural(uncounted, "system call"))
	}
	if writeErr := o.write(summaries); writeErr != nil {
		return writeErr
	}
	return err
}

func (o *summaryOptions) write(summaries []observe.Summary) error {
	var text strings.Builder
	if o.format != term.Table {
		if err := o.format.Encode(&text, summaries); err != nil {
			return err
		}
		return o.result.Write(o.Terminal, []byte(text.String()))
	}
	show := listing.Lister{
		Terminal: &term.Terminal{Out: &text, Colours: o.Terminal.Colours && o.result.File == ""},
		All:      o.all,
	}
	for i := range summaries {
		if i > 0 {
			text.WriteByte('\n')
		}
		show.Summary(&summaries[i])
	}
	return o.result.Write(o.Terminal, []byte(text.String()))
}
