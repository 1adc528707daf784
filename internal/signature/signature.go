// Package signature signs documents and decides who may vouch for them.
//
// Invariant: a signature covers the canonical bytes of a document. A key, a certificate
// or a hint next to a document is never trusted because it is there: only the keys and
// identities of the Policy count.
//
// The signatures are cosign's: `cosign verify-blob` accepts those made here,
// and those made by `cosign sign-blob` are accepted here.
package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// MaxBytes bounds a signature file. A keyless bundle takes some 10 KiB.
const MaxBytes = 64 << 10

// bundleMediaType is the newest format of sigstore bundles that both cosign 2
// and 3 read.
const bundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// Older bundles differ only in the data from sigstore's log, which a pinned key does not
// need.
var bundleMediaTypes = map[string]bool{
	"application/vnd.dev.sigstore.bundle+json;version=0.1": true,
	"application/vnd.dev.sigstore.bundle+json;version=0.2": true,
	"application/vnd.dev.sigstore.bundle+json;version=0.3": true,
	bundleMediaType: true,
}

// strictBase64 refuses encodings with more than one spelling of the same bytes.
var strictBase64 = base64.StdEncoding.Strict()

// Signature is a signature made by Sign.
type Signature struct {
	raw    []byte
	digest [sha256.Size]byte // of the signed bytes
	hint   string            // as of keyHint
}

// Sign signs the canonical bytes of a document.
func Sign(key crypto.Signer, canonical []byte) (*Signature, error) {
	if err := checkKey(key.Public()); err != nil {
		return nil, fmt.Errorf("sign document: %w", err)
	}
	digest := sha256.Sum256(canonical)
	message, opts := digest[:], crypto.SignerOpts(crypto.SHA256)
	if _, ok := key.Public().(ed25519.PublicKey); ok {
		message, opts = canonical, crypto.Hash(0)
	}
	raw, err := key.Sign(rand.Reader, message, opts)
	if err != nil {
		return nil, fmt.Errorf("sign document: %w", err)
	}
	hint, err := keyHint(key.Public())
	if err != nil {
		return nil, fmt.Errorf("sign document: %w", err)
	}
	return &Signature{raw: raw, digest: digest, hint: hint}, nil
}

// Plain returns the content of a .sig file: the signature in base64.
func (s *Signature) Plain() []byte {
	return []byte(base64.StdEncoding.EncodeToString(s.raw) + "\n")
}

// Bundle returns the content of a .sigstore.json file.
func (s *Signature) Bundle() []byte {
	b := bundleFile{MediaType: bundleMediaType}
	b.VerificationMaterial.PublicKey = &keyReference{Hint: s.hint}
	b.MessageSignature = &messageSignature{
		MessageDigest: messageDigest{
			Algorithm: digestAlgorithm,
			Digest:    base64.StdEncoding.EncodeToString(s.digest[:]),
		},
		Signature: base64.StdEncoding.EncodeToString(s.raw),
	}
	data, err := json.Marshal(b)
	if err != nil {
		panic(err) // strings only: cannot happen
	}
	return append(data, '\n')
}

// bundleFile is the part of a sigstore bundle that a pinned key needs.
type bundleFile struct {
	MediaType            string `json:"mediaType"`
	VerificationMaterial struct {
		PublicKey   *keyReference   `json:"publicKey,omitempty"`
		Certificate json.RawMessage `json:"certificate,omitempty"`
		Chain       json.RawMessage `json:"x509CertificateChain,omitempty"`
	} `json:"verificationMaterial"`
	MessageSignature *messageSignature `json:"messageSignature,omitempty"`
	Envelope         *envelope         `json:"dsseEnvelope,omitempty"`

	// LegacySignature is the one field that counts in the bundles cosign wrote
	// before sigstore had a format for them.
	LegacySignature string `json:"base64Signature,omitempty"`
}

// keyReference names a public key. It is not signed, so it is never trusted.
type keyReference struct {
	Hint string `json:"hint"`
}

type messageSignature struct {
	MessageDigest messageDigest `json:"messageDigest"`
	Signature     string        `json:"signature"`
}

type messageDigest struct {
	Algorithm string `json:"algorithm"`
	Digest    string `json:"digest"`
}

const digestAlgorithm = "SHA2_256"

// parsed is the content of a signature file of any form.
type parsed struct {
	raw     []byte // the signature; nil if keyless
	digest  []byte // of the signed bytes as the file states it; nil if it does not
	hint    string // the key that the file names; not signed
	keyless []byte // the whole bundle, if it holds a certificate
}

// parse recognises the form of a signature file by its content.
func parse(data []byte) (*parsed, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%d bytes are more than the limit of %d", len(data), MaxBytes)
	}
	data, err := clean(data)
	if err != nil {
		return nil, fmt.Errorf("read signature: %w", err)
	}
	if !IsBundle(data) {
		raw, err := decodePlain(data)
		return &parsed{raw: raw}, err
	}
	var b bundleFile
	if err := json.Unmarshal(data, &b); err != nil {
		return nil, fmt.Errorf("parse bundle: %w: %w", ErrForm, err)
	}
	switch {
	case b.MediaType == "" && b.LegacySignature != "":
		return parseLegacy(&b)
	case !bundleMediaTypes[b.MediaType]:
		return nil, fmt.Errorf("parse bundle: unknown mediaType %q", b.MediaType)
	case b.MessageSignature == nil:
		return nil, errors.New("parse bundle: no messageSignature: an attestation is not a signature of the document")
	case b.VerificationMaterial.Certificate != nil || b.VerificationMaterial.Chain != nil:
		return &parsed{keyless: data}, nil
	}
	s, err := b.MessageSignature.parse()
	if err == nil && b.VerificationMaterial.PublicKey != nil {
		s.hint = b.VerificationMaterial.PublicKey.Hint
	}
	return s, err
}

// IsBundle reports whether a signature file is in one of the forms that are
// JSON, rather than a plain signature.
func IsBundle(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(data, byteOrderMark), " \t\r\n"), []byte("{"))
}

// decodePlain reads base64, on one line or wrapped.
func decodePlain(data []byte) ([]byte, error) {
	text, err := clean(data)
	if err != nil {
		return nil, fmt.Errorf("decode signature: %w", err)
	}
	if text = unwrap(text); len(text) == 0 {
		return nil, fmt.Errorf("decode signature: %w: it is empty", ErrForm)
	}
	return decodeBase64("signature", string(text))
}

func parseLegacy(b *bundleFile) (*parsed, error) {
	raw, err := decodeBase64("base64Signature", b.LegacySignature)
	if err != nil {
		return nil, fmt.Errorf("parse bundle: %w", err)
	}
	return &parsed{raw: raw}, nil
}

func (m *messageSignature) parse() (*parsed, error) {
	if m.MessageDigest.Algorithm != digestAlgorithm {
		return nil, fmt.Errorf("parse bundle: digest algorithm %q: only %s is supported", m.MessageDigest.Algorithm, digestAlgorithm)
	}
	digest, err := decodeBase64("digest", m.MessageDigest.Digest)
	if err != nil {
		return nil, fmt.Errorf("parse bundle: %w", err)
	}
	raw, err := decodeBase64("signature", m.Signature)
	if err != nil {
		return nil, fmt.Errorf("parse bundle: %w", err)
	}
	return &parsed{raw: raw, digest: digest}, nil
}

// decodeBase64 is strict also about line ends, which the library skips.
func decodeBase64(what, text string) ([]byte, error) {
	raw, err := strictBase64.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w: not base64: %w", what, ErrForm, err)
	}
	if len(text) != strictBase64.EncodedLen(len(raw)) {
		return nil, fmt.Errorf("decode %s: line end inside of base64", what)
	}
	return raw, nil
}

// verifyKey reports whether raw is a signature of canonical by key.
func verifyKey(key crypto.PublicKey, canonical, raw []byte) bool {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		digest := sha256.Sum256(canonical)
		return ecdsa.VerifyASN1(key, digest[:], raw)
	case ed25519.PublicKey:
		return ed25519.Verify(key, canonical, raw)
	}
	return false
}

// keyHint is how cosign names a public key in a bundle.
func keyHint(key crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("marshal public key: %w", err)
	}
	sum := sha256.Sum256(der)
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}
