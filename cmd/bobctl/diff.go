package main

import (
	"context"

	"github.com/spf13/cobra"

	"bobwatch/internal/docfile"
	"bobwatch/internal/listing"
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
		Long: `Compare what two documents allow. "-" marks entries that only OLD allows, "+"
entries that only NEW allows. The list is by container and section, and names
system calls by family: openat stands for open too.

An act that both documents allow is no difference, even if one allows it by a
pattern. Names, images, provenance and workloads are not compared.

Exits with 0 if both documents allow the same acts, and with 3 if not.`,
		Example: `  bobctl diff webapp-1.4.yaml webapp-1.5.yaml
  bobctl diff -o json vendor.yaml learned.yaml | jq '.containers[].added.execs'`,
		Args: exactly(2),
		RunE: func(c *cobra.Command, args []string) error { return runDiff(c.Context(), o, args[0], args[1]) },
	}
	registerFormat(c, &o.format)
	return c
}

func runDiff(_ context.Context, o diffOptions, before, after string) error {
	a, err := docfile.Profile(o.terminal, before)
	if err != nil {
		return err
	}
	b, err := docfile.Profile(o.terminal, after)
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
		out := listing.Difference{
			RemovedSenses: d.RemovedSenses,
			AddedSenses:   d.AddedSenses,
			Containers:    []listing.ContainerDifference{},
		}
		for _, c := range d.Containers {
			out.Containers = append(out.Containers, listing.ContainerDifference(c))
		}
		return o.format.Encode(o.terminal.Out, out)
	}
	listing.WriteDifference(o.terminal, o.terminal.Out, d)
	return nil
}
