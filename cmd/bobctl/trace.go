package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bobwatch/internal/event"
	"bobwatch/internal/observe"
	"bobwatch/internal/term"
)

type traceOptions struct {
	observation
	format term.Format
	filter newsFilter
	file   string
}

func newTraceCommand(t *term.Terminal) *cobra.Command {
	o := traceOptions{observation: observation{terminal: t}}
	c := &cobra.Command{
		Use:   "trace [FLAG]... [-- CMD [ARGUMENT]...]",
		Short: "Show live what a program or workload does for the first time",
		Long: `Show live what a program or workload does for the first time: a line for each
system call, program and file that is news.

Unlike strace it stops nobody and costs next to nothing, because the kernel
tells only news: a system call once for each container, a file once for each
access to it, whichever process does it; every execution. There are no
arguments of system calls and no results. A file that was not there was not
opened; one that was refused is told with the error and the name the program
used.
` + observationHelp + `

As with strace, news of CMD goes to standard error, so that CMD's own output can
be piped; of everything else to standard output. --out names a file. Exits with
3 if CMD ended by itself and failed.`,
		Example: `  bobctl trace -- curl -s http://127.0.0.1/
  bobctl trace --pod shop/webapp-5d4b9c7f6-x2x7x --execs
  bobctl trace --workload shop/deploy/webapp -o json | jq -r 'select(.kind == "open").path'
  bobctl trace -e connect,bind,ptrace --container webapp
  bobctl trace -e '!futex' --syscalls -- make`,
		DisableFlagsInUseLine: true,

		RunE: func(c *cobra.Command, args []string) error { return runTrace(c.Context(), o, args) },
	}
	o.register(c)
	registerFormat(c, &o.format)
	o.filter.register(c)
	c.Flags().StringVar(&o.file, "out", "", "write to `FILE`")
	return c
}

func runTrace(ctx context.Context, o traceOptions, args []string) error {
	if err := o.filter.check(); err != nil {
		return err
	}
	observer, err := o.open(args)
	if err != nil {
		return err
	}
	tr, err := o.tracer()
	if err != nil {
		return errors.Join(err, observer.Close())
	}
	ctx, stop := o.limit(ctx)
	defer stop()
	err = errors.Join(o.run(ctx, observer, tr), observer.Close(), tr.close())
	if tr.lost > 0 {
		fmt.Fprintf(o.terminal.Err, "%s lost; acts are told when they are done again, executions are not\n", term.Plural(tr.lost, "record"))
	}
	return err
}

// tracer is an observe.Handler that writes news as it comes.
type tracer struct {
	out     io.Writer
	file    *os.File // nil if out is not to be closed
	colours bool
	options *traceOptions
	boot    time.Time
	several bool // containers: each line says which
	lost    uint64
	err     error // why news could not be written
}

func (o *traceOptions) tracer() (*tracer, error) {
	tr := &tracer{options: o, boot: observe.BootTime(), several: o.pod != "" || o.workload != ""}
	switch {
	case o.file != "":
		file, err := os.Create(o.file)
		if err != nil {
			return nil, err
		}
		tr.out, tr.file = file, file
	case o.command != nil:
		tr.out, tr.colours = o.terminal.Err, o.terminal.Colours
	default:
		tr.out, tr.colours = o.terminal.Out, o.terminal.Colours
	}
	return tr, nil
}

func (tr *tracer) close() error {
	if tr.file != nil {
		return errors.Join(tr.err, tr.file.Close())
	}
	return tr.err
}

// Begin implements observe.Handler.
func (tr *tracer) Begin(*observe.Subject) {}

// End implements observe.Handler.
func (tr *tracer) End(s *observe.Subject) { tr.lost += s.Lost }

// Act implements observe.Handler.
func (tr *tracer) Act(s *observe.Subject, ev *event.Event) {
	if tr.err != nil || !tr.options.filter.wants(ev) {
		return
	}
	n := newsOf(s, ev, tr.boot)
	switch tr.options.format {
	case term.JSON:
		tr.err = term.JSON.Line(tr.out, n)
	case term.YAML:
		if _, tr.err = io.WriteString(tr.out, "---\n"); tr.err == nil {
			tr.err = term.YAML.Encode(tr.out, n)
		}
	default:
		_, tr.err = io.WriteString(tr.out, tr.line(n)+"\n")
	}
}

// line is news for people.
func (tr *tracer) line(n news) string {
	paint := func(code, text string) string { return (&term.Terminal{Colours: tr.colours}).Colour(code, text) }
	var b strings.Builder
	b.WriteString(paint(term.Dim, n.Time.Format("15:04:05.000000")))
	if tr.several {
		fmt.Fprintf(&b, " %s", term.Word(strings.TrimPrefix(n.Pod+"/"+n.Container, "/")))
	}
	fmt.Fprintf(&b, " %7d %-15s ", n.PID, term.Word(n.Comm))
	switch n.Kind {
	case newsExec:
		b.WriteString(paint(term.Yellow, "exec    "+term.Word(n.Path)) + ": " + term.JoinWords(n.Args))
	case newsOpen:
		b.WriteString(paint(term.Cyan, "open    ") + term.Word(n.Path) + " " + n.Access)
	case newsMoved:
		b.WriteString(paint(term.Red, "moved   to cgroup "+term.Word(n.Path)))
	default:
		b.WriteString(paint(term.Green, "syscall ") + n.Syscall)
	}
	if n.Errno != "" {
		b.WriteString(" " + paint(term.Red, n.Errno))
	}
	if len(n.Notes) > 0 {
		b.WriteString(" " + paint(term.Dim, "("+strings.Join(n.Notes, ", ")+")"))
	}
	return b.String()
}
