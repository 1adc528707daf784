package signature

import (
	"bytes"
	"crypto"
	"testing"
)

// FuzzVerify holds that no signature file vouches for a document that its
// signer did not see, and that none makes the verifier fall over.
func FuzzVerify(f *testing.F) {
	key, s := generate(f, ECDSAP256), newSigstore(f)
	signature, err := Sign(key, document)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signature.Plain())
	f.Add(signature.Bundle())
	f.Add([]byte(`{"base64Signature":"` + string(bytes.TrimSpace(signature.Plain())) + `"}`))
	f.Add(s.sign(f, document))
	verifier := newVerifier(f, Policy{Authorities: []Authority{
		{Name: "vendor", Key: string(publicPEM(f, key)), Workloads: everything},
		{Name: "release", Workloads: everything, Keyless: &Identity{TrustedRootFile: s.rootFile, Issuer: issuer, Subject: subject}},
	}})
	f.Fuzz(func(t *testing.T, file []byte) {
		if trust, err := verifier.Verify(signed([]byte("a document nobody signed"), file)); err == nil {
			t.Errorf("Verify = %q, want an error", trust.Authority)
		}
	})
}

// FuzzKeys holds that a key that can be read can be used, and reads the same
// once it was written.
func FuzzKeys(f *testing.F) {
	for _, algorithm := range []Algorithm{ECDSAP256, Ed25519} {
		key := generate(f, algorithm)
		private, err := MarshalPrivateKey(key, nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(private)
		f.Add(publicPEM(f, key))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if public, err := ParsePublicKey(file); err == nil {
			data, err := MarshalPublicKey(public)
			if err != nil {
				t.Fatalf("MarshalPublicKey of a key that was read: %v", err)
			}
			again, err := ParsePublicKey(data)
			if err != nil || !public.(interface{ Equal(crypto.PublicKey) bool }).Equal(again) {
				t.Errorf("ParsePublicKey of a key that was written: %v", err)
			}
		}
		if private, err := ParsePrivateKey(file, passphrase("")); err == nil {
			s, err := Sign(private, document)
			if err != nil || !verifyKey(private.Public(), document, s.raw) {
				t.Errorf("Sign with a key that was read: %v", err)
			}
		}
	})
}
