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

The result allows everything that FILE allows, and more of the same kind: another
temporary file, another process's directory in /proc, another host to ping.
Entries for sensitive places stay as narrow as they are. The agent generalises
documents that it learns; merged documents, and documents of other tools, may
need this command.

The signatures of FILE are not valid for the result.`,
		Example: `  bobctl merge node-1.yaml node-2.yaml | bobctl generalise - --out webapp.yaml
  bobctl generalise --opens 20 learned.yaml | bobctl diff learned.yaml -`,
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error { return runGeneralise(c.Context(), o, args[0]) },
	}
	flags := c.Flags()
	flags.IntVar(&o.thresholds.Opens, "opens", o.thresholds.Opens, "keep up to `N` names in a directory; /etc, /usr, /tmp and similar directories have their own limits")
	flags.IntVar(&o.thresholds.Values, "values", o.thresholds.Values, "keep up to `N` values of an argument")
	flags.IntVar(&o.thresholds.Lengths, "lengths", o.thresholds.Lengths, "keep up to `N` different numbers of arguments of a program")
	flags.IntVar(&o.thresholds.Commands, "commands", o.thresholds.Commands, "keep up to `N` command lines of a shell")
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
