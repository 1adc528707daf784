package signature

import (
	"crypto"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bobwatch/internal/testenv"
)

// cosignVersion holds the flags that keep one cosign off the network.
// signing.json and root.json are files that say there is no log.
type cosignVersion struct {
	version      string // as of testenv.Cosign
	signPlain    []string
	signBundle   []string
	verifyBundle []string
	signsEd25519 bool
}

var cosignVersions = []cosignVersion{
	{
		version:      "v3",
		signPlain:    []string{"--use-signing-config=false", "--tlog-upload=false", "--new-bundle-format=false"},
		signBundle:   []string{"--signing-config", "signing.json", "--trusted-root", "root.json"},
		signsEd25519: true,
	},
	{
		version:      "v2", // panics when it signs with an Ed25519 key
		signPlain:    []string{"--tlog-upload=false"},
		signBundle:   []string{"--tlog-upload=false", "--new-bundle-format"},
		verifyBundle: []string{"--new-bundle-format", "--trusted-root", "root.json"},
	},
}

// cosign runs a real cosign in a directory of its own.
type cosign struct {
	cosignVersion
	binary string
	dir    string
}

const cosignPassphrase = "correct horse"

func newCosign(t *testing.T, v cosignVersion) *cosign {
	t.Helper()
	c := &cosign{cosignVersion: v, binary: testenv.Cosign(t, v.version), dir: t.TempDir()}
	c.must(t, "signing-config", "create", "--out", "signing.json")
	c.must(t, "trusted-root", "create", "--out", "root.json")
	return c
}

func (c *cosign) run(args ...string) error {
	cmd := exec.Command(c.binary, args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "COSIGN_PASSWORD="+cosignPassphrase, "HOME="+c.dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return errors.New(string(out))
	}
	return nil
}

func (c *cosign) must(t *testing.T, args ...string) {
	t.Helper()
	if err := c.run(args...); err != nil {
		t.Fatalf("cosign %s: %v", strings.Join(args, " "), err)
	}
}

func (c *cosign) write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (c *cosign) read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// sign makes file out with one of the forms of signatures cosign knows.
func (c *cosign) sign(t *testing.T, flags []string, outFlag, out string) []byte {
	t.Helper()
	args := append([]string{"sign-blob", "-y", "--key", "k.key", outFlag, out}, flags...)
	c.must(t, append(args, "doc")...)
	return c.read(t, out)
}

func (c *cosign) verify(flag, file, doc string, flags ...string) error {
	args := append([]string{"verify-blob", "--key", "k.pub", flag, file, "--insecure-ignore-tlog"}, flags...)
	return c.run(append(args, doc)...)
}

// saveKeys writes key as our files, under the names of cosign's.
func (c *cosign) saveKeys(t *testing.T, key crypto.Signer) {
	t.Helper()
	private, err := MarshalPrivateKey(key, []byte(cosignPassphrase))
	if err != nil {
		t.Fatal(err)
	}
	public, err := MarshalPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	c.write(t, "k.key", private)
	c.write(t, "k.pub", public)
}

func TestCosignSignsVerifiedHere(t *testing.T) {
	for _, v := range cosignVersions {
		t.Run(v.version, func(t *testing.T) {
			c := newCosign(t, v)
			c.saveKeys(t, generate(t, ECDSAP256))
			c.write(t, "doc", document)
			verifier := pinned(t, c.read(t, "k.pub"))

			files := map[string][]byte{
				"plain":         c.sign(t, v.signPlain, "--output-signature", "doc.sig"),
				"legacy bundle": c.sign(t, v.signPlain, "--bundle", "doc.legacy.json"),
				"bundle":        c.sign(t, v.signBundle, "--bundle", "doc.sigstore.json"),
			}
			for name, file := range files {
				if got, err := verifier.Verify(signed(document, file)); err != nil || got.Authority != "vendor" {
					t.Errorf("Verify(%s %s) = %q, %v", name, file, got.Authority, err)
				}
				if _, err := verifier.Verify(signed(append(document, ' '), file)); !errors.Is(err, ErrSignature) {
					t.Errorf("Verify(%s of another document) = %v, want %v", name, err, ErrSignature)
				}
			}
		})
	}
}

func TestCosignVerifiesOurs(t *testing.T) {
	for _, v := range cosignVersions {
		t.Run(v.version, func(t *testing.T) {
			c := newCosign(t, v)
			c.must(t, "generate-key-pair", "--output-key-prefix", "k")
			key, err := ParsePrivateKey(c.read(t, "k.key"), passphrase(cosignPassphrase))
			if err != nil {
				t.Fatalf("ParsePrivateKey of cosign's: %v", err)
			}
			s, err := Sign(key, document)
			if err != nil {
				t.Fatal(err)
			}
			c.write(t, "doc", document)
			c.write(t, "other", append(document, ' '))
			c.write(t, "doc.sig", s.Plain())
			c.write(t, "doc.sigstore.json", s.Bundle())

			for doc, want := range map[string]bool{"doc": true, "other": false} {
				if err := c.verify("--signature", "doc.sig", doc); (err == nil) != want {
					t.Errorf("cosign verify-blob --signature %s: %v, want accepted %t", doc, err, want)
				}
				if err := c.verify("--bundle", "doc.sigstore.json", doc, v.verifyBundle...); (err == nil) != want {
					t.Errorf("cosign verify-blob --bundle %s: %v, want accepted %t", doc, err, want)
				}
			}
		})
	}
}

// Of cosign's own only plain signatures: its bundles with Ed25519 keys are broken.
func TestCosignEd25519(t *testing.T) {
	for _, v := range cosignVersions {
		t.Run(v.version, func(t *testing.T) {
			c := newCosign(t, v)
			key := generate(t, Ed25519)
			c.saveKeys(t, key)
			c.write(t, "doc", document)
			s, err := Sign(key, document)
			if err != nil {
				t.Fatal(err)
			}
			c.write(t, "ours.sig", s.Plain())
			if err := c.verify("--signature", "ours.sig", "doc"); err != nil {
				t.Errorf("cosign verify-blob of ours: %v", err)
			}
			c.write(t, "ours.json", s.Bundle())
			if err := c.verify("--bundle", "ours.json", "doc", v.verifyBundle...); err != nil {
				t.Errorf("cosign verify-blob of our bundle: %v", err)
			}
			if !v.signsEd25519 {
				return
			}
			theirs := c.sign(t, v.signPlain, "--output-signature", "theirs.sig")
			if _, err := pinned(t, c.read(t, "k.pub")).Verify(signed(document, theirs)); err != nil {
				t.Errorf("Verify(%s): %v", theirs, err)
			}
		})
	}
}

// What cosign made once verifies without a cosign at hand.
func TestVerifyCosignFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/cosign/v*")
	if err != nil || len(files) == 0 {
		t.Fatalf("found %d files, %v", len(files), err)
	}
	read := func(path string) []byte {
		t.Helper()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	verifier := pinned(t, read("testdata/cosign/cosign.pub"))
	canonical := read("testdata/cosign/document")
	for _, path := range files {
		if _, err := verifier.Verify(signed(canonical, read(path))); err != nil {
			t.Errorf("Verify(%s): %v", path, err)
		}
		if _, err := verifier.Verify(signed(document, read(path))); !errors.Is(err, ErrSignature) {
			t.Errorf("Verify(%s of another document) = %v, want %v", path, err, ErrSignature)
		}
	}
}
