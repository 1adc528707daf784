package main

import (
	"context"
	"crypto"
	"fmt"

	"github.com/spf13/cobra"

	"bobwatch/internal/docfile"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/lint"
	"bobwatch/internal/signature"
	"bobwatch/internal/term"
)

type signOptions struct {
	terminal *term.Terminal
	key      string
	bundle   string
	plain    string
}

func newSignCommand(t *term.Terminal) *cobra.Command {
	o := signOptions{terminal: t}
	c := &cobra.Command{
		Use:   "sign FILE --key KEY",
		Short: "Sign a document",
		Long: `Sign a document. What is signed are its canonical bytes: layout and comments of
FILE may change and the signature holds, what it allows may not.

Without --bundle and --signature the signature is written as a bundle beside
FILE: NAME.sigstore.json for NAME.yaml, where the agent looks for it. The
passphrase of the key is asked for, or taken from COSIGN_PASSWORD.`,
		Example: `  bobctl sign webapp.yaml --key vendor.key
  bobctl sign webapp.yaml --key vendor.key --signature webapp.yaml.sig
  bobctl convert webapp.yaml --to canonical > signed.json && cosign verify-blob --key vendor.pub \
    --bundle webapp.sigstore.json --insecure-ignore-tlog signed.json`,
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error { return runSign(c.Context(), o, args[0]) },
	}
	c.Flags().StringVar(&o.key, "key", "", "private key in `FILE`: of bobctl key generate, of cosign, or PEM")
	c.Flags().StringVar(&o.bundle, "bundle", "", "write a sigstore bundle to `FILE` (- for standard output)")
	c.Flags().StringVar(&o.plain, "signature", "", "write a plain signature to `FILE` (- for standard output)")
	return c
}

func runSign(_ context.Context, o signOptions, path string) error {
	switch {
	case o.key == "":
		return term.Usagef("name the private key by --key; bobctl key generate makes one")
	case o.bundle == "" && o.plain == "" && path == docfile.Stdin:
		return term.Usagef("say where the signature of standard input goes: --bundle FILE or --signature FILE")
	case o.bundle == "" && o.plain == "":
		o.bundle = docfile.SignaturePaths(path)[1]
	}
	p, err := docfile.Profile(o.terminal, path)
	if err != nil {
		return err
	}
	canonical, err := p.Canonical()
	if err != nil {
		return err
	}
	key, err := privateKey(o.terminal, o.key)
	if err != nil {
		return err
	}
	s, err := signature.Sign(key, canonical)
	if err != nil {
		return err
	}
	if err := refuseSecrets(p); err != nil {
		return err
	}
	remarkOn(o.terminal, p)
	if err := o.write(o.bundle, s.Bundle()); err != nil {
		return err
	}
	return o.write(o.plain, s.Plain())
}

// privateKey reads a private key, and asks for its passphrase.
func privateKey(t *term.Terminal, path string) (crypto.Signer, error) {
	data, err := docfile.Read(t.In, path)
	if err != nil {
		return nil, err
	}
	key, err := signature.ParsePrivateKey(data, passphrase)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// refuseSecrets returns an error if a document holds what looks like a
// credential: signed and pushed, it would be anybody's.
func refuseSecrets(p *profile.Profile) error {
	if found := lint.Secrets(p); len(found) > 0 {
		return fmt.Errorf("%s; bobctl check names all %d", found[0], len(found))
	}
	return nil
}

// remarkOn tells who is about to sign a document that there is something to say
// about it.
func remarkOn(t *term.Terminal, p *profile.Profile) {
	if warnings := lint.Warnings(p); len(warnings) > 0 {
		fmt.Fprintf(t.Err, "warning: bobctl check has %d remarks on what you sign\n", len(warnings))
	}
}

// write writes one form of the signature where it is wanted.
func (o *signOptions) write(path string, data []byte) error {
	if path == "" {
		return nil
	}
	out := result{file: path}
	if err := out.write(o.terminal, data); err != nil {
		return err
	}
	if path != docfile.Stdin {
		fmt.Fprintf(o.terminal.Err, "wrote %s\n", path)
	}
	return nil
}
