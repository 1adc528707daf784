package main

import (
	"github.com/spf13/cobra"

	"bobwatch/internal/signing"
	"bobwatch/internal/term"
)

func newVerifyCommand(t *term.Terminal) *cobra.Command {
	o := signing.Verify{Terminal: t}
	c := &cobra.Command{
		Use:   "verify FILE (--key KEY | --certificate-identity ... )",
		Short: "Verify who signed a document",
		Long: `Verify that a document was signed by the holder of a key, or by an identity that
sigstore certified. Nothing is fetched: an identity is verified against a trusted
root in a file, and all that this file can check is demanded. Regular
expressions have to match all of the text.

Without --bundle and --signature the signatures beside FILE are used. Exits with
3 if the document is not signed, or not by them.`,
		Example: `  bobctl verify webapp.yaml --key vendor.pub
  bobctl verify webapp.yaml --trusted-root trusted_root.json \
    --certificate-identity-regexp 'https://github\.com/acme/webapp/.*' \
    --certificate-oidc-issuer https://token.actions.githubusercontent.com`,
		Args: exactly(1),
		RunE: func(_ *cobra.Command, args []string) error { return o.Run(args[0]) },
	}
	flags := c.Flags()
	registerFormat(c, &o.Format)
	o.Trust.Register(flags)
	o.Signed.Register(flags)
	return c
}
