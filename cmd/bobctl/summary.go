package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"bobwatch/internal/observe"
	"bobwatch/internal/term"
)

type summaryOptions struct {
	observation
	format term.Format
	all    bool
	result result
}

func newSummaryCommand(t *term.Terminal) *cobra.Command {
	o := summaryOptions{observation: observation{terminal: t}}
	c := &cobra.Command{
		Use:   "summary [FLAG]... [-- CMD [ARGUMENT]...]",
		Short: "Count what a program or workload does",
		Long: `Count what a program or workload does: the programs it executes, the files it
opens, the addresses it connects to and binds, its system calls with their
errors, and when each was first and last.
` + observationHelp + `

System calls and addresses are counted in the kernel while this runs, which makes
every system call of the machine a little slower: it is for a look, not for good.
Files are told when they are opened for the first time, and not counted.
Addresses are those given to connect, bind and sendto by 64-bit calls.

The result comes at the end: when CMD has ended, behind what it wrote to standard
output, or with ctrl-C, or after --for. Of long lists the table shows the
beginning; --all shows everything. Exits with 3 if CMD ended by itself and
failed.`,
		Example: `  bobctl summary -- curl -s http://127.0.0.1/
  bobctl summary --workload shop/deploy/webapp --for 60s
  bobctl summary --pod shop/webapp-5d4b9c7f6-x2x7x --for 60s -o json | jq '.[].syscalls[] | select(.errors > 0)'
  bobctl summary --cgroup /system.slice/nginx.service --for 10s --all`,
		DisableFlagsInUseLine: true,

		RunE: func(c *cobra.Command, args []string) error { return runSummary(c.Context(), o, args) },
	}
	o.register(c)
	registerFormat(c, &o.format)
	c.Flags().BoolVar(&o.all, "all", false, "show all entries of every list")
	o.result.register(c.Flags())
	return c
}

func runSummary(ctx context.Context, o summaryOptions, args []string) error {
	observer, err := o.open(args)
	if err != nil {
		return err
	}
	defer observer.Close()
	counted, err := observer.Summarize()
	if err != nil {
		return err
	}
	ctx, stop := o.limit(ctx)
	defer stop()
	err = errors.Join(o.run(ctx, observer, counted), counted.Close())
	if err != nil && !errors.Is(err, term.ErrFound) {
		return err
	}
	summaries, uncounted, countErr := counted.Summaries()
	if countErr != nil {
		return countErr
	}
	if uncounted > 0 {
		fmt.Fprintf(o.terminal.Err, "%s were not counted: there are too many containers\n", term.Plural(uncounted, "system call"))
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
		return o.result.write(o.terminal, []byte(text.String()))
	}
	show := showOptions{
		terminal: &term.Terminal{Out: &text, Colours: o.terminal.Colours && o.result.file == ""},
		all:      o.all,
	}
	for i := range summaries {
		if i > 0 {
			text.WriteByte('\n')
		}
		writeSummary(&show, &summaries[i])
	}
	return o.result.write(o.terminal, []byte(text.String()))
}

// writeSummary writes the tables of one container.
func writeSummary(o *showOptions, s *observe.Summary) {
	title := s.Workload
	if s.Kind != "" {
		title = s.Namespace + "/" + s.Kind + "/" + s.Workload + " container " + s.Container
	}
	o.line("%s", o.terminal.Colour(term.Bold, term.Printable(title)))
	o.line("  %s", summaryFacts(s))
	table(o, "processes", s.Processes, "COUNT\tFIRST\tLAST\tPROGRAM\tARGUMENTS", func(l observe.ProcessLine) string {
		return fmt.Sprintf("%d\t%s\t%s\t%s\t%s", l.Count, timeOfDay(l.First), timeOfDay(l.Last), term.Word(l.Path), o.cut(term.JoinWords(l.Args)))
	})
	table(o, "files", s.Files, "FIRST\tACCESS\tPATH\tBY", func(l observe.FileLine) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s", timeOfDay(l.First), strings.TrimSpace(l.Access+" "+l.Errno), term.Word(l.Path), term.Word(l.Comm))
	})
	table(o, "sockets", s.Sockets, "COUNT\tERRORS\tFIRST\tLAST\tACT\tPROTOCOL\tADDRESS\tBY", func(l observe.SocketLine) string {
		address := ""
		if l.Address != "" {
			address = term.Word(l.Address)
		}
		return fmt.Sprintf("%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s", l.Count, errorCount(l.Errors), timeOfDay(l.First), timeOfDay(l.Last), l.Act, l.Protocol, address, term.Word(l.Comm))
	})
	table(o, "system calls", s.Syscalls, "COUNT\tERRORS\tFIRST\tLAST\tNAME", func(l observe.SyscallLine) string {
		return fmt.Sprintf("%d\t%s\t%s\t%s\t%s", l.Count, errorCount(l.Errors), timeOfDay(l.First), timeOfDay(l.Last), strings.TrimSpace(l.Name+" "+l.ABI))
	})
}

// cut shortens a long text unless everything is to be shown.
func (o *showOptions) cut(text string) string {
	const limit = 100
	if runes := []rune(text); !o.all && len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}

// summaryFacts says in one line what is to be known of a Summary.
func summaryFacts(s *observe.Summary) string {
	facts := []string{"watched for " + time.Duration(s.Observed*float64(time.Second)).Round(time.Millisecond).String()}
	if s.Instances > 1 {
		facts = append(facts, term.Plural(uint64(s.Instances), "container"))
	}
	if s.StartSeen {
		facts = append(facts, "from start")
	}
	for _, image := range s.Images {
		facts = append(facts, "image "+term.Printable(image))
	}
	if s.Lost > 0 {
		facts = append(facts, term.Plural(s.Lost, "record")+" lost")
	}
	if s.NotKept > 0 {
		facts = append(facts, "what exceeds thousands of lines left out")
	}
	return strings.Join(facts, ", ")
}

func timeOfDay(t time.Time) string { return t.Local().Format("15:04:05") }

// errorCount leaves the column empty where there are none, as strace -c does.
func errorCount(n uint64) string {
	return cmp.Or(strings.TrimPrefix(fmt.Sprint(n), "0"), "")
}

// table writes the entries of a section in columns, under their names.
func table[T any](o *showOptions, title string, entries []T, columns string, line func(T) string) {
	if len(entries) == 0 {
		return
	}
	shown := entries
	if !o.all && len(entries) > shownEntries {
		shown = entries[:shownEntries]
	}
	o.line("  %s", o.terminal.Colour(term.Cyan, fmt.Sprintf("%s (%d)", title, len(entries))))
	w := tabwriter.NewWriter(o.terminal.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "    %s\n", columns)
	for _, entry := range shown {
		fmt.Fprintf(w, "    %s\n", line(entry))
	}
	w.Flush()
	if hidden := len(entries) - len(shown); hidden > 0 {
		o.line("    %s", o.terminal.Colour(term.Dim, fmt.Sprintf("and %d more: --all", hidden)))
	}
}
