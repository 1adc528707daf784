package main

import (
	"github.com/spf13/cobra"

	"bobwatch/internal/artifact"
	"bobwatch/internal/term"
)

func newInspectCommand(t *term.Terminal) *cobra.Command {
	o := artifact.Inspect{Terminal: t, Location: artifact.Location{Terminal: t}}
	c := &cobra.Command{
		Use:   "inspect (oci://REF | --image REF)",
		Short: "Show a published document: manifest, image, signatures",
		Long: `Show the manifest and signatures of a published document, or of all documents that
are attached to an image. With --key or an identity, bobctl verifies each
signature, and exits with 3 if bobctl pull would refuse a document.`,
		Example: `  bobctl inspect --image registry.example/acme/webapp:1.4.2
  bobctl inspect oci://registry.example/acme/bobs:stable --key vendor.pub
  bobctl inspect oci://registry.example/acme/bobs:stable -o json | jq -r .digest`,
		Args:              func(_ *cobra.Command, args []string) error { return o.Location.Reference(args) },
		ValidArgsFunction: completeReference,
		RunE:              func(c *cobra.Command, args []string) error { return o.Run(c.Context(), args) },
	}
	registerFormat(c, &o.Format)
	o.Location.Register(c.Flags())
	registerPlainHTTP(c.Flags(), &o.Location.PlainHTTP)
	o.Trust.Register(c.Flags())
	return c
}
