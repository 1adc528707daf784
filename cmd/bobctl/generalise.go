package main

import (
	"context"

	"github.com/spf13/cobra"

	"bobwatch/internal/docfile"
	"bobwatch/internal/profile/generalise"
	"bobwatch/internal/term"
)

type generaliseOptions struct {
	terminal   *term.Terminal
	thresholds generalise.Thresholds
	result     docfile.Output
}

func newGeneraliseCommand(t *term.Terminal) *cobra.Command {
	o := generaliseOptions{terminal: t, thresholds: generalise.DefaultThresholds()}
	c := &cobra.Command{
		Use:   "generalise FILE",
		Short: "Replace values that vary from run to run by wildcards",
		Long: `Replace values that vary from run to run by wildcards.

The documents of FILE allow everything they allowed before, and more of the
same kind: another temporary file, another process's directory in /proc,
another host to ping. Sensitive places stay as narrow as they were. What the
agent learned is generalised already; documents that were merged, or that
another tool learned, may not be.

The result is another document, so that no signature of FILE is one of it.`,
		Example: `  bobctl merge node-1.yaml node-2.yaml | bobctl generalise - --out webapp.yaml
  bobctl generalise --opens 20 learned.yaml | bobctl diff learned.yaml -`,
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error { return runGeneralise(c.Context(), o, args[0]) },
	}
	flags := c.Flags()
	flags.IntVar(&o.thresholds.Opens, "opens", o.thresholds.Opens, "leave up to `N` names of a directory as they are; /etc, /usr, /tmp and their like have numbers of their own")
	flags.IntVar(&o.thresholds.Values, "values", o.thresholds.Values, "leave up to `N` values of an argument as they are")
	flags.IntVar(&o.thresholds.Lengths, "lengths", o.thresholds.Lengths, "leave up to `N` numbers of arguments of a program as they are")
	flags.IntVar(&o.thresholds.Commands, "commands", o.thresholds.Commands, "leave up to `N` command lines of a shell as they are")
	o.result.Register(flags)
	return c
}

func runGeneralise(_ context.Context, o generaliseOptions, path string) error {
	t := o.thresholds
	if min(t.Opens, t.Values, t.Lengths, t.Commands) < 1 {
		return term.Usagef("--opens, --values, --lengths and --commands have to be at least 1")
	}
	documents, err := docfile.Profiles(o.terminal, path)
	if err != nil {
		return err
	}
	for i, p := range documents {
		documents[i] = generalise.Profile(p, t)
	}
	text, err := docfile.Marshal(documents)
	if err != nil {
		return err
	}
	return o.result.Write(o.terminal, text)
}
