package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"bobwatch/internal/term"
)

// completions write the completion script of a shell.
var completions = map[string]func(root *cobra.Command, out io.Writer) error{
	"bash": func(root *cobra.Command, out io.Writer) error { return root.GenBashCompletionV2(out, true) },
	"zsh":  func(root *cobra.Command, out io.Writer) error { return root.GenZshCompletion(out) },
	"fish": func(root *cobra.Command, out io.Writer) error { return root.GenFishCompletion(out, true) },
}

func newCompletionCommand(t *term.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Print a shell's completion script",
		Example: `  source <(bobctl completion bash)
  bobctl completion zsh > "${fpath[1]}/_bobctl"
  bobctl completion fish > ~/.config/fish/completions/bobctl.fish`,
		ValidArgs: []string{"bash", "zsh", "fish"},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || completions[args[0]] == nil {
				return term.Usagef("want one of bash, zsh, fish")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return runCompletion(c.Context(), t, c.Root(), args[0])
		},
	}
}

func runCompletion(_ context.Context, t *term.Terminal, root *cobra.Command, shell string) error {
	return completions[shell](root, t.Out)
}
