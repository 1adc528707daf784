package main

import (
	"github.com/spf13/cobra"

	"bobwatch/internal/edit"
	"bobwatch/internal/term"
)

func newMergeCommand(t *term.Terminal) *cobra.Command {
	o := edit.Merge{Terminal: t}
	c := &cobra.Command{
		Use:   "merge FILE...",
		Short: "Join documents about one workload into one",
		Long: `Join documents about one workload into one that allows what any of them allows.

It is a set union, in whatever order. An allowance becomes part of the profile
it is merged with. The result is another document, so that no signature of the
parts is one of the whole. An agent that has the parts needs no merging: it
joins what applies to a container.

All documents have to name the same workload. With --workload, those that apply
to that workload are joined into a document about it alone: a vendor's, which
names no namespace, with your own.`,
		Example: `  bobctl merge node-1.yaml node-2.yaml node-3.yaml | bobctl show -
  bobctl merge --workload shop/Deployment/webapp webapp.yaml allowances.yaml --out webapp-shop.yaml`,
		Args: files,
		RunE: func(_ *cobra.Command, args []string) error { return o.Run(args) },
	}
	c.Flags().StringVar(&o.Workload, "workload", "", "join what applies to the workload `NAMESPACE/KIND/NAME`")
	o.Output.Register(c.Flags())
	return c
}
