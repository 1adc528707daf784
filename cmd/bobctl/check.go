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
		Long: `Validate documents and rules, and warn about likely mistakes:
  - patterns that allow far more than a workload needs
  - system calls and capabilities that lead out of the container
  - incomplete profiles
  - documents without a signature
  - objects of other kinds in the file, which bobctl skips

bobctl compiles files with rules or their bindings. Every error names its line
and column.

Exits with 1 if a file is not valid or holds a credential, and with 3 if there are
only warnings and --strict is given.`,
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
