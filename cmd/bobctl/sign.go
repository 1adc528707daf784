package main

import (
	"github.com/spf13/cobra"

	"bobwatch/internal/signing"
	"bobwatch/internal/term"
)

func newSignCommand(t *term.Terminal) *cobra.Command {
	o := signing.Sign{Terminal: t}
	c := &cobra.Command{
		Use:   "sign FILE --key KEY",
		Short: "Sign a document",
		Long: `Sign a document. The signature covers the document's canonical bytes: it stays
valid if the layout and comments of FILE change, but not if what it allows does.

Without --bundle and --signature bobctl writes the signature as a bundle next to
FILE: NAME.sigstore.json for NAME.yaml, where the agent looks for it. bobctl asks
for the passphrase of the key, or reads it from COSIGN_PASSWORD.`,
		Example: `  bobctl sign webapp.yaml --key vendor.key
  bobctl sign webapp.yaml --key vendor.key --signature webapp.yaml.sig
  bobctl convert webapp.yaml --to canonical > signed.json && cosign verify-blob --key vendor.pub \
    --bundle webapp.sigstore.json --insecure-ignore-tlog signed.json`,
		Args: exactly(1),
		RunE: func(_ *cobra.Command, args []string) error { return o.Run(args[0]) },
	}
	registerPatterns(c, &o.Patterns)
	c.Flags().StringVar(&o.Key, "key", "", "private key in `FILE`: made by bobctl key generate or cosign, or PEM")
	c.Flags().StringVar(&o.Bundle, "bundle", "", "write a sigstore bundle to `FILE` (- for standard output)")
	c.Flags().StringVar(&o.Plain, "signature", "", "write a plain signature to `FILE` (- for standard output)")
	return c
}
