package main

import (
	"context"

	"github.com/spf13/cobra"

	"bobwatch/internal/profile"
)

type mergeOptions struct {
	terminal *terminal
	result   result
}

func newMergeCommand(t *terminal) *cobra.Command {
	o := mergeOptions{terminal: t}
	c := &cobra.Command{
		Use:   "merge FILE...",
		Short: "Join documents about one workload into one",
		Long: `Join documents about one workload into one that allows what any of them allows.

It is a set union, in whatever order. An allowance becomes part of the profile
it is merged with. The result is another document, so that no signature of the
parts is one of the whole. An agent that has the parts needs no merging: it
joins what applies to a container.`,
		Example: `  bobctl merge webapp.yaml allowances.yaml --out webapp-ours.yaml
  bobctl merge node-1.yaml node-2.yaml node-3.yaml | bobctl show -`,
		Args: files,
		RunE: func(c *cobra.Command, args []string) error { return runMerge(c.Context(), o, args) },
	}
	o.result.register(c.Flags())
	return c
}

func runMerge(_ context.Context, o mergeOptions, paths []string) error {
	var merged *profile.Profile
	for _, path := range paths {
		documents, err := o.terminal.profiles(path)
		if err != nil {
			return err
		}
		for _, p := range documents {
			if merged == nil {
				merged = p
			} else if merged, err = profile.Merge(merged, p); err != nil {
				return err
			}
		}
	}
	text, err := marshal([]*profile.Profile{merged})
	if err != nil {
		return err
	}
	return o.result.write(o.terminal, text)
}
