package main

import (
	"github.com/spf13/cobra"

	"bobwatch/internal/rulebook"
	"bobwatch/internal/term"
)

func newRuleCommand(t *term.Terminal) *cobra.Command {
	c := newGroup(&cobra.Command{
		Use:   "rule",
		Short: "List, explain and test rules",
	})
	c.AddCommand(newRuleListCommand(t), newRuleExplainCommand(t), newRuleTestCommand(t))
	return c
}

func newRuleListCommand(t *term.Terminal) *cobra.Command {
	o := rulebook.Book{Terminal: t}
	c := &cobra.Command{
		Use:     "list [FILE...]",
		Short:   "List the built-in rules, and the rules in files",
		Example: "  bobctl rule list\n  bobctl rule list -o json my-rules.yaml",
		RunE:    func(_ *cobra.Command, args []string) error { return o.List(args) },
	}
	registerFormat(c, &o.Format)
	return c
}

func newRuleExplainCommand(t *term.Terminal) *cobra.Command {
	o := rulebook.Book{Terminal: t}
	c := &cobra.Command{
		Use:     "explain ID [FILE...]",
		Short:   "Say what a rule reports, and what it misses",
		Example: "  bobctl rule explain R1005",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return term.Usagef("want the ID of a rule, as bobctl rule list has them")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return o.Explain(args[0], args[1:]) },
	}
	registerFormat(c, &o.Format)
	return c
}

func newRuleTestCommand(t *term.Terminal) *cobra.Command {
	o := rulebook.Book{Terminal: t}
	c := &cobra.Command{
		Use:   "test FILE...",
		Short: "Run the tests in rule files",
		Long: `Run the tests in rule files. A test lists an act, and whether the rule must report
it.

Exits with 3 if a test fails, or if a rule has no test.`,
		Example: "  bobctl rule test my-rules.yaml",
		Args:    files,
		RunE:    func(_ *cobra.Command, args []string) error { return o.Test(args) },
	}
	registerFormat(c, &o.Format)
	return c
}
