package signature

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"testing"
)

// document stands for the canonical bytes of a document.
var document = []byte(`{"apiVersion":"bobwatch/v1alpha1","kind":"BillOfBehavior","metadata":{"name":"webapp"}}`)

func generate(t testing.TB, algorithm Algorithm) crypto.Signer {
	t.Helper()
	key, err := GenerateKey(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func publicPEM(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	data, err := MarshalPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func newVerifier(t testing.TB, p Policy) *Verifier {
	t.Helper()
	v, err := NewVerifier(p)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// pinned trusts the key with everything, under the name vendor.
func pinned(t testing.TB, publicKey []byte) *Verifier {
	t.Helper()
	return newVerifier(t, Policy{Authorities: []Authority{
		{Name: "vendor", Key: string(publicKey), Workloads: []Scope{{Namespace: "*", Name: "*"}}},
	}})
}

func signed(canonical []byte, signatures ...[]byte) Document {
	return Document{Canonical: canonical, Namespace: "shop", Workload: "webapp", Signatures: signatures}
}

func TestSignVerify(t *testing.T) {
	for _, algorithm := range []Algorithm{ECDSAP256, Ed25519} {
		key := generate(t, algorithm)
		s, err := Sign(key, document)
		if err != nil {
			t.Fatal(err)
		}
		legacy := fmt.Appendf(nil, `{"base64Signature":%q}`, bytes.TrimSpace(s.Plain()))
		for name, file := range map[string][]byte{"plain": s.Plain(), "bundle": s.Bundle(), "legacy": legacy} {
			t.Run(string(algorithm)+" "+name, func(t *testing.T) {
				got, err := pinned(t, publicPEM(t, key)).Verify(signed(document, file))
				if err != nil || got.Authority != "vendor" {
					t.Errorf("Verify = %q, %v; want vendor", got.Authority, err)
				}
				stranger := generate(t, algorithm)
				if _, err := pinned(t, publicPEM(t, stranger)).Verify(signed(document, file)); err == nil {
					t.Error("Verify with another key = nil, want an error")
				}
			})
		}
	}
}

// Every byte of the document and of a plain signature counts.
func TestVerifyRefusesAnyFlip(t *testing.T) {
	for _, algorithm := range []Algorithm{ECDSAP256, Ed25519} {
		t.Run(string(algorithm), func(t *testing.T) {
			key := generate(t, algorithm)
			verifier := pinned(t, publicPEM(t, key))
			s, err := Sign(key, document)
			if err != nil {
				t.Fatal(err)
			}
			for flipped := range flips(document, 0, len(document)) {
				if _, err := verifier.Verify(signed(flipped, s.Plain())); !errors.Is(err, ErrSignature) {
					t.Errorf("Verify(document %q) = %v, want %v", flipped, err, ErrSignature)
				}
			}
			plain := bytes.TrimSpace(s.Plain())
			for flipped := range flips(plain, 0, len(plain)) {
				if _, err := verifier.Verify(signed(document, flipped)); !errors.Is(err, ErrSignature) {
					t.Errorf("Verify(signature %q) = %v, want %v", flipped, err, ErrSignature)
				}
			}
		})
	}
}

// In a bundle the digest and the signature count; they are refused with any
// flip. What is beside them is not signed, and whatever a flip makes of it, it
// cannot make the bundle vouch for another document.
func TestVerifyRefusesAnyFlipInBundle(t *testing.T) {
	key := generate(t, ECDSAP256)
	verifier := pinned(t, publicPEM(t, key))
	s, err := Sign(key, document)
	if err != nil {
		t.Fatal(err)
	}
	file := s.Bundle()
	from := bytes.Index(file, []byte(`"algorithm":"`)) + len(`"algorithm":"`)
	for flipped := range flips(file, from, len(file)) {
		if _, err := verifier.Verify(signed(document, flipped)); err == nil && signedPart(t, flipped) != signedPart(t, file) {
			t.Errorf("Verify(%q) = nil, want an error", flipped)
		}
	}
	other := append(document, ' ')
	for flipped := range flips(file, 0, len(file)) {
		if _, err := verifier.Verify(signed(other, flipped)); err == nil {
			t.Errorf("Verify of another document with %q = nil, want an error", flipped)
		}
	}
}

// signedPart is all of a bundle that its signature depends on, as it is spelt.
func signedPart(t *testing.T, file []byte) string {
	t.Helper()
	s, err := parse(file)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x %x", s.digest, s.raw)
}

// flips yields data with each single bit of data[from:to] flipped.
func flips(data []byte, from, to int) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for i := from; i < to; i++ {
			for bit := range 8 {
				flipped := bytes.Clone(data)
				flipped[i] ^= 1 << bit
				if !yield(flipped) {
					return
				}
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	key := generate(t, ECDSAP256)
	s, err := Sign(key, document)
	if err != nil {
		t.Fatal(err)
	}
	verifier := pinned(t, publicPEM(t, key))
	tests := map[string][]byte{
		"empty":                     {},
		"only a line end":           []byte("\n"),
		"not base64":                []byte("!!!!"),
		"too big":                   bytes.Repeat([]byte("A"), MaxBytes+4),
		"empty bundle":              []byte(`{}`),
		"unknown media type":        bytes.Replace(s.Bundle(), []byte("v0.3"), []byte("v9.9"), 1),
		"no digest":                 bytes.Replace(s.Bundle(), []byte("messageDigest"), []byte("messageDigesr"), 1),
		"another digest algorithm":  bytes.Replace(s.Bundle(), []byte("SHA2_256"), []byte("SHA2_512"), 1),
		"attestation":               bytes.Replace(s.Bundle(), []byte("messageSignature"), []byte("dsseEnvelope"), 1),
		"bytes behind the bundle":   append(s.Bundle(), '}'),
		"certificate beside no key": bytes.Replace(s.Bundle(), []byte("publicKey"), []byte("certificate"), 1),
	}
	for name, file := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := verifier.Verify(signed(document, file)); err == nil {
				t.Errorf("Verify(%.200q) = nil, want an error", file)
			}
		})
	}
}
