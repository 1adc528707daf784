package main

import (
	"github.com/spf13/cobra"

	"bobwatch/internal/findings"
	"bobwatch/internal/term"
)

func newCheckCommand(t *term.Terminal) *cobra.Command {
	o := findings.Check{Terminal: t}
	c := &cobra.Command{
		Use:   "check FILE...",
		Short: "Validate documents and rules, and warn about likely mistakes",
		Long: `Validate documents, and warn about likely mistakes: patterns that allow far more
than a workload needs, system calls and capabilities that lead out of the
container, incomplete profiles, documents without a signature, and objects of
other kinds in the file, which are passed over. Files with rules or their
bindings are compiled, and every error names its line and column.

A file that cannot be read as documents, or holds a credential, ends in exit code 1. Warnings alone do
not, unless --strict is given: then 3.`,
		Example: `  bobctl check webapp.yaml
  bobctl check --strict -o json *.yaml`,
		Args: files,
		RunE: func(_ *cobra.Command, args []string) error { return o.Run(args) },
	}
	registerFormat(c, &o.Format)
	registerPatterns(c, &o.Patterns)
	c.Flags().BoolVar(&o.Strict, "strict", false, "exit with 3 if there are warnings")
	return c
}
