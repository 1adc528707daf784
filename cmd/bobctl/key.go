package main

import (
	"github.com/spf13/cobra"

	"bobwatch/internal/signature"
	"bobwatch/internal/signing"
	"bobwatch/internal/term"
)

func newKeyCommand(t *term.Terminal) *cobra.Command {
	c := newGroup(&cobra.Command{
		Use:   "key",
		Short: "Make keys for signing documents",
	})
	c.AddCommand(newKeyGenerateCommand(t))
	return c
}

func newKeyGenerateCommand(t *term.Terminal) *cobra.Command {
	o := signing.KeyPair{Terminal: t}
	c := &cobra.Command{
		Use:   "generate NAME",
		Short: "Make a key pair",
		Long: `Make a key pair: NAME.key, encrypted in cosign's format, and NAME.pub.

bobctl asks for the passphrase, or reads it from COSIGN_PASSWORD. It does not
overwrite files. Keep NAME.key secret, and give NAME.pub to everybody who verifies
your documents.`,
		Example: `  bobctl key generate vendor
  COSIGN_PASSWORD=$(pass show vendor) bobctl key generate vendor`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return term.Usagef("want one NAME, got %d", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return o.Generate(args[0]) },
	}
	c.Flags().StringVar(&o.Algorithm, "algorithm", string(signature.ECDSAP256), "`ALGORITHM`: ecdsa-p256, or ed25519, which cosign supports only in part")
	return c
}
