package main

import (
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"bobwatch/internal/signature"
)

// loadKey reads the private key. Without one the release stays unsigned, for a
// trial.
func loadKey(path string) (crypto.Signer, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("-key: %w", err)
	}
	key, err := signature.ParsePrivateKey(data, func() ([]byte, error) {
		if phrase, ok := os.LookupEnv("COSIGN_PASSWORD"); ok {
			return []byte(phrase), nil
		}
		return nil, errors.New("set COSIGN_PASSWORD")
	})
	if err != nil {
		return nil, fmt.Errorf("-key %s: %w", path, err)
	}
	return key, nil
}

// sign signs every file, as `cosign sign-blob` does, and adds the public key.
// A reader takes the key from elsewhere; the copy only names it.
func (r *release) sign(key crypto.Signer) error {
	if key == nil {
		fmt.Fprintln(r.log, "no -key: the release is not signed")
		return nil
	}
	files, err := filesBelow(r.out)
	if err != nil {
		return err
	}
	for _, f := range files {
		s, err := signature.Sign(key, f.data)
		if err != nil {
			return fmt.Errorf("sign %s: %w", f.name, err)
		}
		if err := os.WriteFile(filepath.Join(r.out, f.name+".sigstore.json"), s.Bundle(), 0o644); err != nil {
			return err
		}
	}
	public, err := signature.MarshalPublicKey(key.Public())
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, "bobwatch.pub"), public, 0o644)
}

func sha256Of(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func sha256File(path string) (string, error) {
	data, err := os.ReadFile(path)
	return sha256Of(data), err
}
