package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bobwatch/internal/event"
	"bobwatch/internal/observe"
)

type traceOptions struct {
	observation
	format format
	filter newsFilter
	file   string
}

func newTraceCommand(t *terminal) *cobra.Command {
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
	o.format.register(c)
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
		fmt.Fprintf(o.terminal.err, "%s lost; acts are told when they are done again, executions are not\n", plural(tr.lost, "record"))
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
		tr.out, tr.colours = o.terminal.err, o.terminal.colours
	default:
		tr.out, tr.colours = o.terminal.out, o.terminal.colours
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
	case formatJSON:
		tr.err = writeJSONLine(tr.out, n)
	case formatYAML:
		if _, tr.err = io.WriteString(tr.out, "---\n"); tr.err == nil {
			tr.err = formatYAML.encode(tr.out, n)
		}
	default:
		_, tr.err = io.WriteString(tr.out, tr.line(n)+"\n")
	}
}

// writeJSONLine writes a value in one line of printable characters.
func writeJSONLine(out io.Writer, value any) error {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	_, err := io.WriteString(out, escapeLines(text.String()))
	return err
}

// line is news for people.
func (tr *tracer) line(n news) string {
	paint := func(code, text string) string { return (&terminal{colours: tr.colours}).colour(code, text) }
	var b strings.Builder
	b.WriteString(paint(dim, n.Time.Format("15:04:05.000000")))
	if tr.several {
		fmt.Fprintf(&b, " %s", word(strings.TrimPrefix(n.Pod+"/"+n.Container, "/")))
	}
	fmt.Fprintf(&b, " %7d %-15s ", n.PID, word(n.Comm))
	switch n.Kind {
	case newsExec:
		b.WriteString(paint(yellow, "exec    "+word(n.Path)) + ": " + joinWords(n.Args))
	case newsOpen:
		b.WriteString(paint(cyan, "open    ") + word(n.Path) + " " + n.Access)
	case newsMoved:
		b.WriteString(paint(red, "moved   to cgroup "+word(n.Path)))
	default:
		b.WriteString(paint(green, "syscall ") + n.Syscall)
	}
	if n.Errno != "" {
		b.WriteString(" " + paint(red, n.Errno))
	}
	if len(n.Notes) > 0 {
		b.WriteString(" " + paint(dim, "("+strings.Join(n.Notes, ", ")+")"))
	}
	return b.String()
}
