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
		Long: `Join documents about one workload into one document that allows every act that any
of them allows.

The result is a set union; the order of the files does not matter. An allowance
becomes part of the profile that it is merged with. Signatures of the parts are
not valid for the result. An agent that has the parts needs no merged document: it
joins all documents that apply to a container.

All documents must name the same workload. With --workload bobctl joins only the
documents that apply to that workload, into a document about that workload alone:
for example a vendor's document, which names no namespace, with your own.`,
		Example: `  bobctl merge node-1.yaml node-2.yaml node-3.yaml | bobctl show -
  bobctl merge --workload shop/Deployment/webapp webapp.yaml allowances.yaml --out webapp-shop.yaml`,
		Args: files,
		RunE: func(_ *cobra.Command, args []string) error { return o.Run(args) },
	}
	c.Flags().StringVar(&o.Workload, "workload", "", "join the documents that apply to the workload `NAMESPACE/KIND/NAME`")
	o.Output.Register(c.Flags())
	return c
}
