// Package signing signs documents and verifies who signed them, for bobctl.
//
// Its invariant: no document is signed that holds a text that looks like a credential.
package signing

import (
	"crypto"
	"fmt"

	"bobwatch/internal/docfile"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/lint"
	"bobwatch/internal/signature"
	"bobwatch/internal/term"
)

// Sign signs a document.
type Sign struct {
	Terminal *term.Terminal
	Key      string // file of the private key
	Bundle   string // files of the signature, by its form
	Plain    string
	Patterns []string // of further credentials
}

// Run signs the document in a file.
func (o Sign) Run(path string) error {
	switch {
	case o.Key == "":
		return term.Usagef("name the private key by --key; bobctl key generate makes one")
	case o.Bundle == "" && o.Plain == "" && path == docfile.Stdin:
		return term.Usagef("say where the signature of standard input goes: --bundle FILE or --signature FILE")
	case o.Bundle == "" && o.Plain == "":
		o.Bundle = docfile.SignaturePaths(path)[1]
	}
	p, err := docfile.Profile(o.Terminal, path)
	if err != nil {
		return err
	}
	canonical, err := p.Canonical()
	if err != nil {
		return err
	}
	key, err := PrivateKey(o.Terminal, o.Key)
	if err != nil {
		return err
	}
	s, err := signature.Sign(key, canonical)
	if err != nil {
		return err
	}
	if err := RefuseSecrets(p, o.Patterns); err != nil {
		return err
	}
	Remark(o.Terminal, p)
	if err := o.write(o.Bundle, s.Bundle()); err != nil {
		return err
	}
	return o.write(o.Plain, s.Plain())
}

// PrivateKey reads a private key, and asks for its passphrase.
func PrivateKey(t *term.Terminal, path string) (crypto.Signer, error) {
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

// RefuseSecrets returns an error if a document holds a text that looks like a credential:
// once the document is pushed, anybody could read it.
func RefuseSecrets(p *profile.Profile, patterns []string) error {
	found, err := lint.Secrets(p, patterns)
	if err != nil {
		return fmt.Errorf("--redact: %w", err)
	}
	if len(found) > 0 {
		return fmt.Errorf("%s; bobctl check names all %d", found[0], len(found))
	}
	return nil
}

// Remark warns before a signature that bobctl check has remarks.
func Remark(t *term.Terminal, p *profile.Profile) {
	if warnings := lint.Warnings(p); len(warnings) > 0 {
		fmt.Fprintf(t.Err, "warning: bobctl check has %d remarks on what you sign\n", len(warnings))
	}
}

// write writes one form of the signature where it is wanted.
func (o *Sign) write(path string, data []byte) error {
	if path == "" {
		return nil
	}
	out := docfile.Output{File: path}
	if err := out.Write(o.Terminal, data); err != nil {
		return err
	}
	if path != docfile.Stdin {
		fmt.Fprintf(o.Terminal.Err, "wrote %s\n", path)
	}
	return nil
}
