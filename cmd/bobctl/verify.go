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
		Long: `Verify that the holder of a key, or an identity that sigstore certified, signed a
document. bobctl fetches nothing: it verifies an identity against the trusted root
in a file, and demands every proof that this file can check. Regular expressions
must match the whole text.

Without --bundle and --signature bobctl uses the signatures next to FILE. Exits with
3 if the document is not signed, or not by that key or identity.`,
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
