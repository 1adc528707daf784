package signature

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// keylessAuthority is an authority known by its identity. Nothing of
// sigstore-go runs unless a policy has one.
type keylessAuthority struct {
	authority *Authority
	identity  verify.CertificateIdentity
	verifier  *verify.Verifier
}

// newKeyless reads the trusted root of a validated authority.
func newKeyless(a *Authority) (keylessAuthority, error) {
	id := a.Keyless
	identity, err := verify.NewShortCertificateIdentity(
		id.Issuer, whole(id.IssuerRegexp), id.Subject, whole(id.SubjectRegexp))
	if err != nil {
		return keylessAuthority{}, err
	}
	data, err := os.ReadFile(id.TrustedRootFile)
	if err != nil {
		return keylessAuthority{}, fmt.Errorf("trustedRootFile: %w", err)
	}
	trusted, err := root.NewTrustedRootFromJSON(data)
	if err != nil {
		return keylessAuthority{}, fmt.Errorf("trustedRootFile: parse %s: %w", id.TrustedRootFile, err)
	}
	verifier, err := newBundleVerifier(trusted)
	if err != nil {
		return keylessAuthority{}, fmt.Errorf("trustedRootFile: %s: %w", id.TrustedRootFile, err)
	}
	return keylessAuthority{authority: a, identity: identity, verifier: verifier}, nil
}

// whole anchors a regular expression, which sigstore-go does not do: without
// it, "https://github.com/acme/" would match "https://evil.example/?https://github.com/acme/".
func whole(expr string) string {
	if expr == "" {
		return ""
	}
	return `\A(?:` + expr + `)\z`
}

// newBundleVerifier demands of a bundle all that the trusted root can check.
// The certificate lives for minutes only, so that a witness has to say when it
// was used: a log, or a timestamp authority.
func newBundleVerifier(trusted *root.TrustedRoot) (*verify.Verifier, error) {
	if len(trusted.FulcioCertificateAuthorities()) == 0 {
		return nil, errors.New("no certificate authority in it")
	}
	if len(trusted.RekorLogs()) == 0 && len(trusted.TimestampingAuthorities()) == 0 {
		return nil, errors.New("neither a log nor a timestamp authority in it")
	}
	options := []verify.VerifierOption{verify.WithObserverTimestamps(1)}
	if len(trusted.RekorLogs()) > 0 {
		options = append(options, verify.WithTransparencyLog(1))
	}
	if len(trusted.CTLogs()) > 0 {
		options = append(options, verify.WithSignedCertificateTimestamps(1))
	}
	return verify.NewVerifier(trusted, options...)
}

// verifyKeyless finds the authority whose certificate signed d, offline.
func (v *Verifier) verifyKeyless(d Document, data []byte) (Trust, error) {
	b, err := v.parseKeyless(data)
	if err != nil {
		return Trust{}, err
	}
	if b.GetMessageSignature() == nil {
		return Trust{}, fmt.Errorf("%w: parse bundle: no messageSignature", ErrSignature)
	}
	return v.findIdentity(d, func(k *keylessAuthority) error {
		return k.verify(b, verify.WithArtifact(bytes.NewReader(d.Canonical)))
	})
}

// verifyKeylessArtifact does so for a statement about the manifest with the
// SHA-256 in hex.
func (v *Verifier) verifyKeylessArtifact(sum string, data []byte) (Trust, error) {
	b, err := v.parseKeyless(data)
	if err != nil {
		return Trust{}, err
	}
	raw, err := hex.DecodeString(sum)
	if err != nil {
		return Trust{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return v.findIdentity(Document{}, func(k *keylessAuthority) error {
		return k.verify(b, verify.WithArtifactDigest("sha256", raw))
	})
}

func (v *Verifier) parseKeyless(data []byte) (*bundle.Bundle, error) {
	if len(v.keyless) == 0 {
		return nil, fmt.Errorf("%w: the policy has no keyless authority", ErrUntrusted)
	}
	var b bundle.Bundle
	if err := b.UnmarshalJSON(data); err != nil {
		return nil, fmt.Errorf("%w: parse bundle: %w", ErrSignature, err)
	}
	return &b, nil
}

// findIdentity returns the first authority that vouches for d and may.
func (v *Verifier) findIdentity(d Document, vouches func(*keylessAuthority) error) (Trust, error) {
	kind, outOfScope := ErrSignature, ""
	var errs []error
	for i := range v.keyless {
		k := &v.keyless[i]
		err := vouches(k)
		switch {
		case err == nil && k.authority.reaches(d):
			return k.authority.trust(), nil
		case err == nil:
			outOfScope = k.authority.Name
			continue
		case strangerError(err):
			kind = ErrUntrusted
		}
		errs = append(errs, fmt.Errorf("authority %q: %w", k.authority.Name, err))
	}
	if outOfScope != "" {
		return Trust{}, scopeError(outOfScope, d)
	}
	return Trust{}, fmt.Errorf("%w: %w", kind, errors.Join(errs...))
}

func (k *keylessAuthority) verify(b *bundle.Bundle, artifact verify.ArtifactPolicyOption) error {
	_, err := k.verifier.Verify(b, verify.NewPolicy(artifact, verify.WithCertificateIdentity(k.identity)))
	return err
}

// strangerError reports whether a signature is valid, but by another signer.
func strangerError(err error) bool {
	var mismatch *verify.ErrNoMatchingCertificateIdentity
	return errors.As(err, &mismatch)
}
