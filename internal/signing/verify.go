package signing

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"bobwatch/internal/docfile"
	"bobwatch/internal/signature"
	"bobwatch/internal/term"
)

// Verify verifies who signed a document.
type Verify struct {
	Terminal *term.Terminal
	Format   term.Format
	Trust    Trust
	Signed   SignedFile
}

// SignedFile says where the signatures of a file are.
type SignedFile struct {
	signatures []string // files with plain signatures
	bundles    []string
}

// Register registers the flags.
func (o *SignedFile) Register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&o.bundles, "bundle", nil, "sigstore bundle in `FILE`")
	flags.StringArrayVar(&o.signatures, "signature", nil, "plain signature in `FILE`")
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

// Run verifies the document in a file.
func (o Verify) Run(path string) error {
	verifier, err := o.Trust.Verifier(o.Terminal)
	if err != nil {
		return err
	}
	p, err := docfile.Profile(o.Terminal, path)
	if err != nil {
		return err
	}
	canonical, err := p.Canonical()
	if err != nil {
		return err
	}
	signatures, err := o.Signed.Read(o.Terminal, path)
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
	if o.Format != term.Table {
		return errors.Join(failure, o.Format.Encode(o.Terminal.Out, v))
	}
	if failure == nil {
		fmt.Fprintf(o.Terminal.Out, "%s: %s: %s was signed by %s\n",
			v.File, o.Terminal.Colour(term.Green, "verified"), term.Word(v.Document), term.Printable(v.SignedBy))
	}
	return failure
}

// Read returns the signatures: those that the flags name, or those next to the file.
func (o *SignedFile) Read(t *term.Terminal, path string) ([][]byte, error) {
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
