package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"bobwatch/internal/profile"
	"bobwatch/internal/term"
)

type versionOptions struct {
	terminal *term.Terminal
	format   term.Format
}

func newVersionCommand(t *term.Terminal) *cobra.Command {
	o := versionOptions{terminal: t}
	c := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: `  bobctl version -o json`,
		Args:    none,
		RunE:    func(c *cobra.Command, _ []string) error { return runVersion(c.Context(), o) },
	}
	registerFormat(c, &o.format)
	return c
}

func runVersion(_ context.Context, o versionOptions) error {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	if o.format == term.Table {
		fmt.Fprintf(o.terminal.Out, "bobctl %s (%s, %s)\n", version, platform, runtime.Version())
		return nil
	}
	return o.format.Encode(o.terminal.Out, map[string]string{
		"version": version, "platform": platform, "go": runtime.Version(), "documents": profile.APIVersion,
	})
}
