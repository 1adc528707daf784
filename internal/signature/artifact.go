package signature

import (
	"crypto"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// ArtifactSignature is a signature of an artifact in a registry, in one of the
// two forms that cosign stores: a Bundle, or a Payload and its signature.
type ArtifactSignature struct {
	Bundle []byte // sigstore bundle of a statement that names the digest; cosign 3

	Payload []byte // text that names the digest; cosign 2
	Plain   []byte // signature of Payload in base64
}

// ArtifactPredicate is the type of the statements that `cosign sign` makes.
// Other statements by the same key, such as a list of packages, vouch for
// something else.
const ArtifactPredicate = "https://sigstore.dev/cosign/sign/v1"

// Further values that cosign writes into the statements and payloads that it signs.
const (
	statementPayloadType = "application/vnd.in-toto+json"
	statementType        = "https://in-toto.io/Statement/v1"
	payloadType          = "cosign container image signature"
)

// statement is the part of an in-toto statement that counts here.
type statement struct {
	Type          string             `json:"_type"`
	Subject       []statementSubject `json:"subject"`
	PredicateType string             `json:"predicateType"`
	Predicate     struct{}           `json:"predicate"`
}

type statementSubject struct {
	Digest map[string]string `json:"digest"` // hex by algorithm
}

// envelope is a statement in a bundle.
type envelope struct {
	Payload     string              `json:"payload"`
	PayloadType string              `json:"payloadType"`
	Signatures  []envelopeSignature `json:"signatures"`
}

type envelopeSignature struct {
	Signature string `json:"sig"`
}

// SignArtifact signs the manifest with the digest "sha256:<hex>" as `cosign
// sign` does, and returns the bundle.
func SignArtifact(key crypto.Signer, digest string) ([]byte, error) {
	sum, err := sha256Hex(digest)
	if err != nil {
		return nil, fmt.Errorf("sign artifact: %w", err)
	}
	payload, err := json.Marshal(statement{
		Type:          statementType,
		Subject:       []statementSubject{{Digest: map[string]string{"sha256": sum}}},
		PredicateType: ArtifactPredicate,
	})
	if err != nil {
		return nil, fmt.Errorf("sign artifact: %w", err)
	}
	s, err := Sign(key, dsse.PAE(statementPayloadType, payload))
	if err != nil {
		return nil, fmt.Errorf("sign artifact: %w", err)
	}
	b := bundleFile{MediaType: bundleMediaType}
	b.VerificationMaterial.PublicKey = &keyReference{Hint: s.hint}
	b.Envelope = &envelope{
		Payload:     base64.StdEncoding.EncodeToString(payload),
		PayloadType: statementPayloadType,
		Signatures:  []envelopeSignature{{Signature: base64.StdEncoding.EncodeToString(s.raw)}},
	}
	return json.Marshal(b)
}

// VerifyArtifact says who vouches for the manifest with the digest
// "sha256:<hex>". Its errors wrap ErrSignature or ErrUntrusted.
func (v *Verifier) VerifyArtifact(digest string, s ArtifactSignature) (Trust, error) {
	sum, err := sha256Hex(digest)
	if err != nil {
		return Trust{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if s.Bundle != nil {
		return v.verifyStatement(sum, s.Bundle)
	}
	return v.verifyPayload(digest, s)
}

// verifyStatement verifies a bundle of a statement about the manifest.
func (v *Verifier) verifyStatement(sum string, data []byte) (Trust, error) {
	b, err := parseStatement(sum, data)
	if err != nil {
		return Trust{}, fmt.Errorf("%w: parse bundle: %w", ErrSignature, err)
	}
	if b.keyless {
		return v.verifyKeylessArtifact(sum, data)
	}
	return v.verifyKeys(Document{Canonical: b.signed}, &parsed{raw: b.raw, hint: b.hint})
}

// parsedStatement is a bundle that claims to vouch for a manifest.
type parsedStatement struct {
	signed  []byte // the bytes that the signature is over
	raw     []byte
	hint    string
	keyless bool
}

func parseStatement(sum string, data []byte) (*parsedStatement, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%d bytes are more than the limit of %d", len(data), MaxBytes)
	}
	var b bundleFile
	if err := json.Unmarshal(data, &b); err != nil {
		return nil, err
	}
	switch {
	case !bundleMediaTypes[b.MediaType]:
		return nil, fmt.Errorf("unknown mediaType %q", b.MediaType)
	case b.Envelope == nil:
		return nil, errors.New("it holds no statement about an artifact")
	case b.Envelope.PayloadType != statementPayloadType:
		return nil, fmt.Errorf("unknown payloadType %q", b.Envelope.PayloadType)
	case len(b.Envelope.Signatures) != 1:
		return nil, fmt.Errorf("it holds %d signatures instead of one", len(b.Envelope.Signatures))
	}
	payload, err := decodeBase64("payload", b.Envelope.Payload)
	if err != nil {
		return nil, err
	}
	if err := checkStatement(sum, payload); err != nil {
		return nil, err
	}
	raw, err := decodeBase64("signature", b.Envelope.Signatures[0].Signature)
	if err != nil {
		return nil, err
	}
	material := b.VerificationMaterial
	p := &parsedStatement{
		signed:  dsse.PAE(statementPayloadType, payload),
		raw:     raw,
		keyless: material.Certificate != nil || material.Chain != nil,
	}
	if material.PublicKey != nil {
		p.hint = material.PublicKey.Hint
	}
	return p, nil
}

// checkStatement wants a statement that the manifest was signed.
func checkStatement(sum string, payload []byte) error {
	var s statement
	if err := json.Unmarshal(payload, &s); err != nil {
		return fmt.Errorf("parse statement: %w", err)
	}
	if s.PredicateType != ArtifactPredicate {
		return fmt.Errorf("a statement of type %q is not a signature", s.PredicateType)
	}
	for _, subject := range s.Subject {
		if subject.Digest["sha256"] == sum {
			return nil
		}
	}
	return errors.New("it was made for another artifact")
}

// verifyPayload verifies a signature in cosign's older form.
func (v *Verifier) verifyPayload(digest string, s ArtifactSignature) (Trust, error) {
	if len(s.Payload) > MaxBytes || len(s.Plain) > MaxBytes {
		return Trust{}, fmt.Errorf("%w: it is larger than the limit of %d bytes", ErrSignature, MaxBytes)
	}
	raw, err := decodePlain(s.Plain)
	if err != nil {
		return Trust{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	trust, err := v.verifyKeys(Document{Canonical: s.Payload}, &parsed{raw: raw})
	if err != nil {
		return Trust{}, err
	}
	var payload struct {
		Critical struct {
			Image struct {
				Digest string `json:"docker-manifest-digest"`
			} `json:"image"`
			Type string `json:"type"`
		} `json:"critical"`
	}
	if err := json.Unmarshal(s.Payload, &payload); err != nil {
		return Trust{}, fmt.Errorf("%w: parse payload: %w", ErrSignature, err)
	}
	switch {
	case payload.Critical.Type != payloadType:
		return Trust{}, fmt.Errorf("%w: a payload of type %q is not a signature of an artifact", ErrSignature, payload.Critical.Type)
	case payload.Critical.Image.Digest != digest:
		return Trust{}, fmt.Errorf("%w: it was made for another artifact", ErrSignature)
	}
	return trust, nil
}

// sha256Hex returns the hex digits of "sha256:<hex>".
func sha256Hex(digest string) (string, error) {
	sum, ok := strings.CutPrefix(digest, "sha256:")
	if raw, err := hex.DecodeString(sum); !ok || err != nil || len(raw) != 32 || sum != strings.ToLower(sum) {
		return "", fmt.Errorf("%q is not a SHA-256 digest", digest)
	}
	return sum, nil
}
