package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
)

// Algorithm names a kind of key.
type Algorithm string

// The algorithms. ECDSA is the one to use: cosign 3.1 cannot check the bundles
// it makes with Ed25519 keys itself.
const (
	ECDSAP256 Algorithm = "ecdsa-p256"
	Ed25519   Algorithm = "ed25519"
)

// Types of PEM blocks. The two encrypted ones are cosign's, the older first.
const (
	pemPublic          = "PUBLIC KEY"
	pemPKCS8           = "PRIVATE KEY"
	pemEC              = "EC PRIVATE KEY"
	pemECParameters    = "EC PARAMETERS" // openssl writes it in front of pemEC
	pemCosignPrivate   = "ENCRYPTED COSIGN PRIVATE KEY"
	pemSigstorePrivate = "ENCRYPTED SIGSTORE PRIVATE KEY"
)

// maxKeyBytes is well above the size of any key file.
const maxKeyBytes = 64 << 10

// ErrPassphrase is returned for an encrypted key file that the passphrase does
// not open; the file may be damaged just as well.
var ErrPassphrase = errors.New("wrong passphrase or damaged key")

// Passphrase returns the passphrase of an encrypted key file. It is called only
// for a file that needs one.
type Passphrase func() ([]byte, error)

// GenerateKey makes a new private key.
func GenerateKey(algorithm Algorithm) (crypto.Signer, error) {
	switch algorithm {
	case ECDSAP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("generate key: unknown algorithm %q: use %s or %s", algorithm, ECDSAP256, Ed25519)
}

// ParsePublicKey reads a PEM file in PKIX form, as cosign and openssl write it.
func ParsePublicKey(data []byte) (crypto.PublicKey, error) {
	block, err := decodePEM(data)
	if err != nil {
		return nil, fmt.Errorf("parse public key: %w", err)
	}
	if block.Type != pemPublic {
		return nil, fmt.Errorf("parse public key: %w: a block of type %q instead of %q", ErrForm, block.Type, pemPublic)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parse public key: %w", err)
	}
	if err := checkKey(key); err != nil {
		return nil, fmt.Errorf("parse public key: %w", err)
	}
	return key, nil
}

// ParsePrivateKey reads a PEM file: PKCS#8, EC, or cosign's encrypted key file,
// which passphrase opens. A nil passphrase refuses encrypted files.
func ParsePrivateKey(data []byte, passphrase Passphrase) (crypto.Signer, error) {
	block, err := decodePEM(data)
	if err != nil {
		return nil, fmt.Errorf("parse private key: %w", err)
	}
	der := block.Bytes
	if block.Type == pemCosignPrivate || block.Type == pemSigstorePrivate {
		if der, err = decrypt(der, passphrase); err != nil {
			return nil, fmt.Errorf("parse private key: %w", err)
		}
	}
	key, err := parsePrivateDER(block.Type, der)
	if err != nil {
		return nil, fmt.Errorf("parse private key: %w", err)
	}
	if err := checkKey(key.Public()); err != nil {
		return nil, fmt.Errorf("parse private key: %w", err)
	}
	return key, nil
}

// MarshalPublicKey writes key as PEM in PKIX form.
func MarshalPublicKey(key crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("marshal public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPublic, Bytes: der}), nil
}

// MarshalPrivateKey writes key as one of cosign's encrypted key files. An empty
// passphrase is allowed, as it is there, and protects nothing.
func MarshalPrivateKey(key crypto.Signer, passphrase []byte) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("marshal private key: %w", err)
	}
	box, err := encrypted.Encrypt(der, passphrase)
	if err != nil {
		return nil, fmt.Errorf("marshal private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemSigstorePrivate, Bytes: box}), nil
}

// decrypt opens cosign's encryption: scrypt and nacl/secretbox. The library
// accepts only the three usual strengths of scrypt, so that a hostile file
// cannot ask for all memory.
func decrypt(box []byte, passphrase Passphrase) ([]byte, error) {
	if passphrase == nil {
		return nil, errors.New("key is encrypted and no passphrase was given")
	}
	secret, err := passphrase()
	if err != nil {
		return nil, fmt.Errorf("get passphrase: %w", err)
	}
	der, err := encrypted.Decrypt(box, secret)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPassphrase, err)
	}
	return der, nil
}

func parsePrivateDER(blockType string, der []byte) (crypto.Signer, error) {
	switch blockType {
	case pemEC:
		return x509.ParseECPrivateKey(der)
	case pemPKCS8, pemCosignPrivate, pemSigstorePrivate:
		key, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			return nil, err
		}
		signer, ok := key.(crypto.Signer)
		if !ok {
			return nil, fmt.Errorf("a key of type %T cannot sign", key)
		}
		return signer, nil
	}
	return nil, fmt.Errorf("unknown type of PEM block %q", blockType)
}

// checkKey refuses keys that Sign and Verify have no rule for.
func checkKey(key crypto.PublicKey) error {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return fmt.Errorf("ECDSA key on curve %s: only P-256 is supported", key.Curve.Params().Name)
		}
	case ed25519.PublicKey:
	default:
		return fmt.Errorf("key of type %T: only ECDSA P-256 and Ed25519 are supported", key)
	}
	return nil
}
