package main

import (
	"github.com/spf13/cobra"

	"bobwatch/internal/artifact"
	"bobwatch/internal/registry"
	"bobwatch/internal/term"
)

func newPushCommand(t *term.Terminal) *cobra.Command {
	o := artifact.Push{Terminal: t}
	c := &cobra.Command{
		Use:   "push FILE oci://REGISTRY/REPOSITORY[:TAG] [--image REF] [--key KEY]",
		Short: "Publish a document in a registry, next to its image",
		Long: `Publish a document in a registry. With --image bobctl attaches the document to the
image, in the same repository, so that everybody who has the image finds it.

--key signs both the document, for the agent, and the artifact, which names the
image, in cosign's format. Without --key bobctl publishes the signatures next to
FILE, and you can sign the artifact afterwards with cosign sign.

bobctl asks for the passphrase of the key, or reads it from COSIGN_PASSWORD. It
uses the credentials of docker login.`,
		Example: `  bobctl push webapp.yaml oci://registry.example/acme/webapp --image registry.example/acme/webapp:1.4.2 --key vendor.key
  bobctl push webapp.yaml oci://registry.example/acme/bobs:webapp-1.4.2 --key vendor.key`,
		Args:              func(_ *cobra.Command, args []string) error { return o.Check(args) },
		ValidArgsFunction: completePush,
		RunE:              func(c *cobra.Command, args []string) error { return o.Run(c.Context(), args[0], args[1]) },
	}
	registerFormat(c, &o.Format)
	registerPatterns(c, &o.Patterns)
	c.Flags().StringVar(&o.Image, "image", "", "attach the document to the image `REF`")
	c.Flags().StringVar(&o.Key, "key", "", "sign with the private key in `FILE`")
	registerPlainHTTP(c.Flags(), &o.PlainHTTP)
	return c
}

// completePush offers files, and then how a reference begins.
func completePush(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return []string{registry.Scheme}, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}
