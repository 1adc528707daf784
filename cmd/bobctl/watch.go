package main

import (
	"github.com/spf13/cobra"

	"bobwatch/internal/term"
	"bobwatch/internal/trial"
)

// newWatchCommand returns the part of bobctl test that runs on a node.
func newWatchCommand(t *term.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:    "watch",
		Hidden: true,
		Short:  "Hold a workload on this node to a document, for bobctl test",
		Args:   none,
		RunE:   func(c *cobra.Command, _ []string) error { return trial.Watch(c.Context(), t, "bobctl "+version) },
	}
}
