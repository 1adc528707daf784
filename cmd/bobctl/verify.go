package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bobwatch/internal/docfile"
	"bobwatch/internal/signature"
	"bobwatch/internal/term"
)

type verifyOptions struct {
	terminal *term.Terminal
	format   term.Format
	trust    trust
	signed   signedFile
}

// signedFile says where the signatures of a file are.
type signedFile struct {
	signatures []string // files with plain signatures
	bundles    []string
}

func (o *signedFile) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&o.bundles, "bundle", nil, "sigstore bundle in `FILE`")
	flags.StringArrayVar(&o.signatures, "signature", nil, "plain signature in `FILE`")
}

func newVerifyCommand(t *term.Terminal) *cobra.Command {
	o := verifyOptions{terminal: t}
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
		RunE: func(c *cobra.Command, args []string) error { return runVerify(c.Context(), o, args[0]) },
	}
	flags := c.Flags()
	registerFormat(c, &o.format)
	o.trust.register(flags)
	o.signed.register(flags)
	return c
}

// verification is the form of a result for machines.
type verification struct {
	File     string `json:"file"`
	Document string `json:"document"`
	Verified bool   `json:"verified"`
	SignedBy string `json:"signedBy,omitempty"`
	Digest   string `json:"digest"` // of the canonical bytes
	Error    string `json:"error,omitempty"`
}

func runVerify(_ context.Context, o verifyOptions, path string) error {
	verifier, err := o.trust.verifier(o.terminal)
	if err != nil {
		return err
	}
	p, err := docfile.Profile(o.terminal, path)
	if err != nil {
		return err
	}
	canonical, err := p.Canonical()
	if err != nil {
		return err
	}
	signatures, err := o.signed.read(o.terminal, path)
	if err != nil {
		return err
	}
	signer, failure := signature.Trust{}, signature.ErrUnsigned
	if len(signatures) > 0 {
		signer, failure = verifier.Verify(signature.Document{Canonical: canonical, Signatures: signatures})
	}
	v := verification{
		File: docfile.NameOf(path), Document: p.Metadata.Name,
		Verified: failure == nil, SignedBy: signer.Authority,
		Digest: fmt.Sprintf("sha256:%x", sha256.Sum256(canonical)),
	}
	if failure != nil {
		failure = fmt.Errorf("%s: %w; %s", docfile.NameOf(path), failure, docfile.Advice(failure, path))
		v.Error = failure.Error()
	}
	if o.format != term.Table {
		return errors.Join(failure, o.format.Encode(o.terminal.Out, v))
	}
	if failure == nil {
		fmt.Fprintf(o.terminal.Out, "%s: %s: %s was signed by %s\n",
			v.File, o.terminal.Colour(term.Green, "verified"), term.Word(v.Document), term.Printable(v.SignedBy))
	}
	return failure
}

// readFrom returns the signatures: those that were named, or those beside the file.
func (o *signedFile) read(t *term.Terminal, path string) ([][]byte, error) {
	named := append(o.bundles, o.signatures...)
	if len(named) == 0 && path != docfile.Stdin {
		named = docfile.Existing(docfile.SignaturePaths(path))
	}
	var signatures [][]byte
	for _, name := range named {
		data, err := docfile.Read(t.In, name)
		if err != nil {
			return nil, err
		}
		signatures = append(signatures, data)
	}
	return signatures, nil
}
