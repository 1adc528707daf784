package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"bobwatch/internal/docfile"
	"bobwatch/internal/listing"
	"bobwatch/internal/profile"
	"bobwatch/internal/term"
)

type showOptions struct {
	terminal *term.Terminal
	format   term.Format
	all      bool
}

func newShowCommand(t *term.Terminal) *cobra.Command {
	o := showOptions{terminal: t}
	c := &cobra.Command{
		Use:   "show FILE...",
		Short: "Show what documents allow, and to which workloads",
		Long: `Show what documents allow, and to which workloads. The table cuts long lists short;
--all shows every entry.`,
		Example: `  bobctl show webapp.yaml
  bobctl show -o json webapp.yaml | jq '.spec.containers[].opens[].path'`,
		Args: files,
		RunE: func(c *cobra.Command, args []string) error { return runShow(c.Context(), o, args) },
	}
	registerFormat(c, &o.format)
	c.Flags().BoolVar(&o.all, "all", false, "show all entries of every list")
	return c
}

func runShow(_ context.Context, o showOptions, paths []string) error {
	var all []*profile.Profile
	for _, path := range paths {
		documents, err := docfile.Profiles(o.terminal, path)
		if err != nil {
			return err
		}
		all = append(all, documents...)
	}
	if o.format == term.YAML {
		text, err := docfile.Marshal(all)
		if err != nil {
			return err
		}
		_, err = o.terminal.Out.Write(text)
		return err
	}
	show := listing.Lister{Terminal: o.terminal, All: o.all}
	for i, p := range all {
		if o.format == term.JSON {
			if err := o.format.Encode(o.terminal.Out, p); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(o.terminal.Out)
		}
		if err := show.Document(p); err != nil {
			return err
		}
	}
	return nil
}
