package main

import (
	"strings"

	"github.com/spf13/cobra"

	"bobwatch/internal/docfile"
	"bobwatch/internal/term"
)

// newRootCommand returns the whole tree of commands. name is what the user
// typed to get here.
func newRootCommand(t *term.Terminal, name string) *cobra.Command {
	root := newGroup(&cobra.Command{
		Use:   "bobctl",
		Short: "Check, combine, sign and apply Bills of Behavior",
		Long: `Check, combine, sign and apply Bills of Behavior.

A Bill of Behavior (BoB) is a document that lists the acts that a workload may do:
system calls, executions of programs, opens of files, connections. All commands
also read Kubescape's profiles. FILE may be - for standard input.

Exit codes:
  0  success
  1  error
  2  wrong usage
  3  documents differ, a check found something, a signature does not verify, an
     agent refuses a document or is not ready, or a watched program failed`,
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: name},
	})
	root.SetIn(t.In)
	root.SetOut(t.Out)
	root.SetErr(t.Err)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return term.UsageError(err.Error()) })
	root.AddCommand(
		newAlertsCommand(t),
		newAllowCommand(t),
		newCheckCommand(t),
		newCompletionCommand(t),
		newConvertCommand(t),
		newDiffCommand(t),
		newGeneraliseCommand(t),
		newInspectCommand(t),
		newInstallCommand(t),
		newKeyCommand(t),
		newMergeCommand(t),
		newPatchCommand(t),
		newPullCommand(t),
		newPushCommand(t),
		newRecordCommand(t),
		newRenderCommand(t),
		newRuleCommand(t),
		newShowCommand(t),
		newSignCommand(t),
		newStatusCommand(t),
		newSummaryCommand(t),
		newTagCommand(t),
		newTestCommand(t),
		newTraceCommand(t),
		newUninstallCommand(t),
		newVerifyCommand(t),
		newVersionCommand(t),
		newWatchCommand(t),
	)
	renameExamples(root, name)
	return root
}

// newGroup makes a command that only holds others.
func newGroup(c *cobra.Command) *cobra.Command {
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		if similar := c.SuggestionsFor(args[0]); len(similar) > 0 {
			return term.Usagef("there is no command %q; did you mean %s?", args[0], strings.Join(similar, " or "))
		}
		return term.Usagef("there is no command %q", args[0])
	}
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	c.SuggestionsMinimumDistance = 2
	return c
}

// renameExamples makes the examples say what the user has to type.
func renameExamples(c *cobra.Command, name string) {
	// /bobctl is the agent's copy, whatever the user's is called.
	c.Example = strings.NewReplacer("/bobctl ", "/bobctl ", "bobctl ", name+" ").Replace(c.Example)
	for _, child := range c.Commands() {
		renameExamples(child, name)
	}
}

// files wants at least one FILE.
func files(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return term.Usagef("name a FILE, or - for standard input")
	}
	return onlyOneStdin(args)
}

// exactly wants n FILEs.
func exactly(n int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return term.Usagef("want %d FILE, got %d", n, len(args))
		}
		return onlyOneStdin(args)
	}
}

func none(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return term.Usagef("unexpected argument %q", args[0])
	}
	return nil
}

func onlyOneStdin(args []string) error {
	seen := false
	for _, arg := range args {
		if arg == docfile.Stdin && seen {
			return term.Usagef("standard input (-) can be read only once")
		}
		seen = seen || arg == docfile.Stdin
	}
	return nil
}
