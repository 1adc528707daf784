package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bobwatch/internal/allowance"
)

// completeAct lets shells offer the values of the flags that act.register
// registers.
func completeAct(c *cobra.Command) {
	completeFlag(c, "type", "container", "init", "ephemeral")
	completeFlag(c, "flags", allowance.AccessFlags...)
}

// anyGiven reports whether a command line has any of the flags that register
// registers.
func anyGiven(flags *pflag.FlagSet, register func(*pflag.FlagSet)) bool {
	var own pflag.FlagSet
	register(&own)
	given := false
	own.VisitAll(func(f *pflag.Flag) { given = given || flags.Changed(f.Name) })
	return given
}
