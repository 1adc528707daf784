package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
)

func passphrase(secret string) Passphrase {
	return func() ([]byte, error) { return []byte(secret), nil }
}

// equal reports whether two private keys are the same.
func equal(a, b crypto.Signer) bool {
	public, ok := a.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(b.Public())
}

func TestPrivateKeyRoundTrip(t *testing.T) {
	for _, algorithm := range []Algorithm{ECDSAP256, Ed25519} {
		t.Run(string(algorithm), func(t *testing.T) {
			key := generate(t, algorithm)
			data, err := MarshalPrivateKey(key, []byte("secret"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := ParsePrivateKey(data, passphrase("secret"))
			if err != nil || !equal(got, key) {
				t.Errorf("ParsePrivateKey = %v, want the key that was written", err)
			}
			if _, err := ParsePrivateKey(data, passphrase("guess")); !errors.Is(err, ErrPassphrase) {
				t.Errorf("ParsePrivateKey with a wrong passphrase = %v, want %v", err, ErrPassphrase)
			}
			if _, err := ParsePrivateKey(data, nil); err == nil {
				t.Error("ParsePrivateKey without a passphrase = nil, want an error")
			}
		})
	}
}

func TestPlainPrivateKeys(t *testing.T) {
	key := generate(t, ECDSAP256).(*ecdsa.PrivateKey)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	parameters := pem.EncodeToMemory(&pem.Block{Type: pemECParameters, Bytes: []byte{6, 0}})
	ec := pem.EncodeToMemory(&pem.Block{Type: pemEC, Bytes: sec1})
	for name, data := range map[string][]byte{
		"PKCS#8":               pem.EncodeToMemory(&pem.Block{Type: pemPKCS8, Bytes: pkcs8}),
		"EC":                   ec,
		"EC as openssl writes": append(parameters, ec...),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParsePrivateKey(data, nil)
			if err != nil || !equal(got, key) {
				t.Errorf("ParsePrivateKey = %v, want the key that was written", err)
			}
		})
	}
}

func TestKeysRefused(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	box, err := MarshalPrivateKey(generate(t, ECDSAP256), nil)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(box)
	costly := bytes.Replace(block.Bytes, []byte(`"N":65536`), []byte(`"N":1073741824`), 1)
	tests := map[string]struct {
		data []byte
		want string
	}{
		"RSA":               {publicPEM(t, weak), "only ECDSA P-256 and Ed25519"},
		"P-384":             {publicPEM(t, p384), "only P-256"},
		"not PEM":           {[]byte("hello"), "not a PEM file"},
		"too big":           {make([]byte, maxKeyBytes+1), "limit"},
		"another block":     {pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE"}), "CERTIFICATE"},
		"scrypt for 1 TiB":  {pem.EncodeToMemory(&pem.Block{Type: pemSigstorePrivate, Bytes: costly}), "scrypt"},
		"nothing encrypted": {pem.EncodeToMemory(&pem.Block{Type: pemCosignPrivate, Bytes: []byte("{}")}), "kdf"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, publicErr := ParsePublicKey(tt.data)
			_, privateErr := ParsePrivateKey(tt.data, passphrase(""))
			if publicErr == nil || privateErr == nil {
				t.Fatalf("ParsePublicKey = %v, ParsePrivateKey = %v; want errors", publicErr, privateErr)
			}
			if both := publicErr.Error() + privateErr.Error(); !strings.Contains(both, tt.want) {
				t.Errorf("errors %q do not say %q", both, tt.want)
			}
		})
	}
}

func TestGenerateKeyUnknown(t *testing.T) {
	if _, err := GenerateKey("rsa"); err == nil {
		t.Error(`GenerateKey("rsa") = nil, want an error`)
	}
}
