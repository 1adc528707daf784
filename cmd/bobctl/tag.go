package main

import (
	"github.com/spf13/cobra"

	"bobwatch/internal/artifact"
	"bobwatch/internal/term"
)

func newTagCommand(t *term.Terminal) *cobra.Command {
	o := artifact.Tag{Terminal: t}
	c := &cobra.Command{
		Use:   "tag oci://REF TAG...",
		Short: "Give a published document more tags",
		Long: `Give a published document more tags. bobctl moves a tag that names another
document, and refuses a tag that names an image or any other artifact.`,
		Example: `  bobctl tag oci://registry.example/acme/webapp@sha256:... stable
  bobctl tag oci://registry.example/acme/bobs:webapp-1.4.2 webapp-1.4 stable`,
		Args:              func(_ *cobra.Command, args []string) error { return o.Check(args) },
		ValidArgsFunction: completeReference,
		RunE:              func(c *cobra.Command, args []string) error { return o.Run(c.Context(), args[0], args[1:]) },
	}
	registerPlainHTTP(c.Flags(), &o.PlainHTTP)
	return c
}
