package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bobwatch/internal/rollout"
	"bobwatch/internal/term"
)

// registerFormat registers -o, by default a table.
func registerFormat(c *cobra.Command, f *term.Format) {
	*f = term.Table
	c.Flags().VarP(f, "output", "o", "write the result as table, json or yaml")
	completeFlag(c, "output", string(term.Table), string(term.JSON), string(term.YAML))
}

// completeFlag lets shells offer the values of a flag.
func completeFlag(c *cobra.Command, flag string, values ...string) {
	err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // there is no such flag, or it has values already
	}
}

// registerChange registers the flags of a command that changes a cluster.
func registerChange(c *cobra.Command, o *rollout.Change) {
	registerFormat(c, &o.Format)
	o.Register(c.Flags())
	completeCluster(c, &o.Cluster)
}

// registerPatterns registers the flag for patterns of further credentials.
func registerPatterns(c *cobra.Command, patterns *[]string) {
	c.Flags().StringArrayVar(patterns, "redact", nil,
		"refuse arguments that match `PATTERN`, written as in redact.patterns of the agent's configuration (repeatable)")
}

func registerPlainHTTP(flags *pflag.FlagSet, plain *bool) {
	flags.BoolVar(plain, "plain-http", false, "do not use TLS, even if the registry is on another machine")
}
