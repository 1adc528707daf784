package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"bobwatch/internal/profile"
	"bobwatch/internal/term"
)

type diffOptions struct {
	terminal *term.Terminal
	format   term.Format
}

func newDiffCommand(t *term.Terminal) *cobra.Command {
	o := diffOptions{terminal: t}
	c := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Compare what two documents allow",
		Long: `Compare what two documents allow: "-" is before what only OLD allows, "+" before
what only NEW does. It is listed by container and section, and system calls by
family: openat stands for open too. What the other document allows in another
way, such as by a pattern, is no difference; nor are names, images, provenance
and the workloads the documents are for.

Exits with 0 if both allow the same, and with 3 if not.`,
		Example: `  bobctl diff webapp-1.4.yaml webapp-1.5.yaml
  bobctl diff -o json vendor.yaml learned.yaml | jq '.containers[].added.execs'`,
		Args: exactly(2),
		RunE: func(c *cobra.Command, args []string) error { return runDiff(c.Context(), o, args[0], args[1]) },
	}
	registerFormat(c, &o.format)
	return c
}

// difference is the form of a difference for machines.
type difference struct {
	Containers []containerDifference `json:"containers"`
}

type containerDifference struct {
	Name    string                `json:"name"`
	Type    profile.ContainerType `json:"type,omitempty"`
	Removed profile.Container     `json:"removed"` // only OLD allows
	Added   profile.Container     `json:"added"`   // only NEW allows
}

func runDiff(_ context.Context, o diffOptions, before, after string) error {
	a, err := profileOf(o.terminal.In, before)
	if err != nil {
		return err
	}
	b, err := profileOf(o.terminal.In, after)
	if err != nil {
		return err
	}
	d := profile.Diff(a, b)
	if err := o.write(d); err != nil {
		return err
	}
	if !d.Empty() {
		return term.ErrFound
	}
	return nil
}

func (o *diffOptions) write(d *profile.Difference) error {
	if o.format != term.Table {
		out := difference{Containers: []containerDifference{}}
		for _, c := range d.Containers {
			out.Containers = append(out.Containers, containerDifference(c))
		}
		return o.format.Encode(o.terminal.Out, out)
	}
	writeDifference(o.terminal, o.terminal.Out, d)
	return nil
}

// writeDifference writes a difference for people.
func writeDifference(t *term.Terminal, out io.Writer, d *profile.Difference) {
	for line := range strings.Lines(d.String()) {
		fmt.Fprintln(out, t.Colour(diffColour(line), strings.TrimSuffix(line, "\n")))
	}
}

// diffColour tells the lines of a difference apart by their beginning.
func diffColour(line string) string {
	switch {
	case strings.HasPrefix(line, "  - "):
		return term.Red
	case strings.HasPrefix(line, "  + "):
		return term.Green
	case strings.HasPrefix(line, "  "):
		return term.Cyan
	}
	return term.Bold
}
