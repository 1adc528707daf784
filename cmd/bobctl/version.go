package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"bobwatch/internal/profile"
)

type versionOptions struct {
	terminal *terminal
	format   format
}

func newVersionCommand(t *terminal) *cobra.Command {
	o := versionOptions{terminal: t}
	c := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: `  bobctl version -o json`,
		Args:    none,
		RunE:    func(c *cobra.Command, _ []string) error { return runVersion(c.Context(), o) },
	}
	o.format.register(c)
	return c
}

func runVersion(_ context.Context, o versionOptions) error {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	if o.format == formatTable {
		fmt.Fprintf(o.terminal.out, "bobctl %s (%s, %s)\n", version, platform, runtime.Version())
		return nil
	}
	return o.format.encode(o.terminal.out, map[string]string{
		"version": version, "platform": platform, "go": runtime.Version(), "documents": profile.APIVersion,
	})
}
