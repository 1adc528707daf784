package main

import (
	"crypto"
	"os"
	"strings"
	"testing"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"google.golang.org/protobuf/encoding/protojson"

	"bobwatch/internal/profile/documents"
	"bobwatch/internal/signature"
	"bobwatch/internal/signing"
)

// keys makes NAME.key and NAME.pub for each name in the current directory.
func keys(t *testing.T, names ...string) {
	t.Helper()
	t.Setenv(signing.PasswordVariable, "correct horse")
	for _, name := range names {
		out := succeed(t, "", "key", "generate", name)
		if strings.Contains(out, "correct horse") || strings.Contains(out, "PRIVATE") {
			t.Errorf("key generate tells a secret: %s", out)
		}
	}
}

func TestKeyGenerate(t *testing.T) {
	t.Chdir(t.TempDir())
	keys(t, "vendor")
	info, err := os.Stat("vendor.key")
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("vendor.key has mode %v, want 0600", info.Mode())
	}
	private := readFile(t, "vendor.key")
	key, err := signature.ParsePrivateKey([]byte(private), func() ([]byte, error) { return []byte("correct horse"), nil })
	if err != nil {
		t.Fatal(err)
	}
	public, err := signature.ParsePublicKey([]byte(readFile(t, "vendor.pub")))
	if err != nil {
		t.Fatal(err)
	}
	if !key.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(public) {
		t.Error("vendor.pub is not of vendor.key")
	}
	if o := bobctl(t, "", "key", "generate", "vendor"); o.code != exitError || !strings.Contains(o.err, "not overwritten") {
		t.Errorf("generating again: exit code %d and %q", o.code, o.err)
	}
	if err := os.Remove("vendor.key"); err != nil {
		t.Fatal(err)
	}
	if o := bobctl(t, "", "key", "generate", "vendor"); o.code != exitError {
		t.Errorf("vendor.pub was overwritten: %s", o.out)
	}
	if _, err := os.Stat("vendor.key"); err == nil {
		t.Error("a key was written without its other half")
	}
}

// A document from elsewhere that holds a credential is neither accepted nor
// passed on, and the credential is not repeated.
func TestCredentialsAreRefused(t *testing.T) {
	workspace(t)
	keys(t, "vendor")
	const document = `{"apiVersion": "bobwatch/v1alpha1", "kind": "BillOfBehavior", "metadata": {"name": "db"}, "spec": {
		"workload": {"name": "db"}, "containers": [{"name": "db", "execs": [{"path": "/bin/app", "args": ["app", "--token", "VALUE"]}]}]}}`
	for value, refused := range map[string]bool{"hunter2": true, "⋯": false, "<redacted>": false} {
		if err := os.WriteFile("db.yaml", []byte(strings.Replace(document, "VALUE", value, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{
			{"check", "db.yaml"},
			{"sign", "db.yaml", "--key", "vendor.key"},
			{"push", "db.yaml", "oci://127.0.0.1:1/db:1", "--key", "vendor.key", "--plain-http"},
		} {
			o := bobctl(t, "", args...)
			said := strings.Contains(o.out+o.err, "looks like a credential")
			if said != refused || refused && (o.code == 0 || strings.Contains(o.out+o.err, "hunter2")) {
				t.Errorf("%s of %s: exit code %d, %s%s", args[0], value, o.code, o.out, o.err)
			}
		}
	}
}

// Patterns find what bobctl does not know as a credential.
func TestCredentialsByPatterns(t *testing.T) {
	workspace(t)
	keys(t, "vendor")
	const document = `{"apiVersion": "bobwatch/v1alpha1", "kind": "BillOfBehavior", "metadata": {"name": "db"}, "spec": {
		"workload": {"name": "db"}, "containers": [{"name": "db", "execs": [{"path": "/bin/app", "args": ["app", "ACME-0042"]}]}]}}`
	if err := os.WriteFile("db.yaml", []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	succeed(t, "", "check", "db.yaml")
	for _, args := range [][]string{
		{"check", "db.yaml"},
		{"sign", "db.yaml", "--key", "vendor.key"},
		{"push", "db.yaml", "oci://127.0.0.1:1/db:1", "--key", "vendor.key", "--plain-http"},
	} {
		o := bobctl(t, "", append(args, "--redact", `ACME-[0-9]+`)...)
		if o.code == 0 || !strings.Contains(o.out+o.err, "looks like a credential") || strings.Contains(o.out+o.err, "ACME-0042") {
			t.Errorf("%s: exit code %d, %s%s", args[0], o.code, o.out, o.err)
		}
		if o := bobctl(t, "", append(args, "--redact", "(")...); o.code == 0 || !strings.Contains(o.err, "--redact") {
			t.Errorf("%s with a wrong pattern: exit code %d, %s", args[0], o.code, o.err)
		}
	}
}

func TestSignAndVerify(t *testing.T) {
	workspace(t)
	keys(t, "vendor", "stranger")
	succeed(t, "", "sign", "webapp.yaml", "--key", "vendor.key")
	succeed(t, "", "sign", "webapp-next.yaml", "--key", "vendor.key", "--signature", "webapp-next.yaml.sig")
	succeed(t, "", "sign", "kubescape/ap-redis-kind.yaml", "--key", "vendor.key", "--bundle", "redis.json", "--signature", "redis.sig")
	reordered := succeed(t, "", "convert", "webapp.yaml", "--to", "canonical")
	tampered := strings.Replace(readFile(t, "webapp.yaml"), "/etc/*", "/*", 1)
	tests := map[string]struct {
		input string
		args  []string
		want  int
		err   string
	}{
		"bundle beside":           {args: []string{"webapp.yaml", "--key", "vendor.pub"}},
		"signature beside":        {args: []string{"webapp-next.yaml", "--key", "vendor.pub"}},
		"one of two keys":         {args: []string{"webapp.yaml", "--key", "stranger.pub", "--key", "vendor.pub"}},
		"named bundle":            {args: []string{"kubescape/ap-redis-kind.yaml", "--key", "vendor.pub", "--bundle", "redis.json"}},
		"named signature":         {args: []string{"kubescape/ap-redis-kind.yaml", "--key", "vendor.pub", "--signature", "redis.sig"}},
		"another layout":          {input: reordered, args: []string{"-", "--key", "vendor.pub", "--bundle", "webapp.sigstore.json"}},
		"another key":             {args: []string{"webapp.yaml", "--key", "stranger.pub"}, want: exitFound, err: "no key"},
		"another key, plain":      {args: []string{"webapp-next.yaml", "--key", "stranger.pub"}, want: exitFound, err: "does not verify"},
		"another document":        {args: []string{"webapp-next.yaml", "--key", "vendor.pub", "--bundle", "webapp.sigstore.json"}, want: exitFound, err: "another document"},
		"tampered":                {input: tampered, args: []string{"-", "--key", "vendor.pub", "--bundle", "webapp.sigstore.json"}, want: exitFound, err: "do not use it"},
		"unsigned":                {args: []string{"kubescape/ap-redis-k3s.yaml", "--key", "vendor.pub"}, want: exitFound, err: "kubescape/ap-redis-k3s.sigstore.json"},
		"missing signature":       {args: []string{"webapp.yaml", "--key", "vendor.pub", "--bundle", "none"}, want: exitError, err: "none"},
		"private for public key":  {args: []string{"webapp.yaml", "--key", "vendor.key"}, want: exitError, err: "PUBLIC KEY"},
		"garbage for a signature": {args: []string{"webapp.yaml", "--key", "vendor.pub", "--signature", "bob.values"}, want: exitFound, err: "decode"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := bobctl(t, tt.input, append([]string{"verify"}, tt.args...)...)
			if o.code != tt.want || !strings.Contains(o.err, tt.err) {
				t.Errorf("verify %q: got exit code %d and %q, want %d and %q", tt.args, o.code, o.err, tt.want, tt.err)
			}
			if verified := strings.Contains(o.out, " was signed by vendor.pub"); verified != (tt.want == 0) {
				t.Errorf("verify %q says %q", tt.args, o.out)
			}
		})
	}
	t.Run("wrong passphrase", func(t *testing.T) {
		t.Setenv(signing.PasswordVariable, "wrong")
		o := bobctl(t, "", "sign", "webapp.yaml", "--key", "vendor.key", "--bundle", "new.json")
		if o.code != exitError || !strings.Contains(o.err, "wrong passphrase") {
			t.Errorf("got exit code %d and %q", o.code, o.err)
		}
		if _, err := os.Stat("new.json"); err == nil {
			t.Error("something was written")
		}
	})
	if o := bobctl(t, "", "check", "webapp.yaml"); strings.Contains(o.out, "not signed") {
		t.Errorf("check of a signed file: %s", o.out)
	}
}

func TestVerifyIdentity(t *testing.T) {
	workspace(t)
	keys(t, "vendor")
	const who, issuer = "release@acme.example", "https://issuer.example"
	sigstore, err := ca.NewVirtualSigstore()
	if err != nil {
		t.Fatal(err)
	}
	writeTrustedRoot(t, sigstore, "root.json")
	writeKeylessBundle(t, sigstore, who, issuer, "webapp.yaml", "webapp.sigstore.json")
	tests := map[string]struct {
		args []string
		want int
		err  string
	}{
		"exact":            {args: []string{"--certificate-identity", who, "--certificate-oidc-issuer", issuer}},
		"regexp":           {args: []string{"--certificate-identity-regexp", ".*@acme\\.example", "--certificate-oidc-issuer-regexp", "https://.*"}},
		"besides a key":    {args: []string{"--key", "vendor.pub", "--certificate-identity", who, "--certificate-oidc-issuer", issuer}},
		"part of a regexp": {args: []string{"--certificate-identity-regexp", "acme", "--certificate-oidc-issuer", issuer}, want: exitFound, err: "not trusted"},
		"another subject":  {args: []string{"--certificate-identity", "x@acme.example", "--certificate-oidc-issuer", issuer}, want: exitFound, err: "ask its vendor"},
		"another issuer":   {args: []string{"--certificate-identity", who, "--certificate-oidc-issuer", "https://evil.example"}, want: exitFound, err: "not trusted"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := bobctl(t, "", append([]string{"verify", "webapp.yaml", "--trusted-root", "root.json"}, tt.args...)...)
			if o.code != tt.want || !strings.Contains(o.err, tt.err) {
				t.Errorf("verify %q: got exit code %d and %q, want %d and %q", tt.args, o.code, o.err, tt.want, tt.err)
			}
		})
	}
	if o := bobctl(t, "", "verify", "webapp.yaml", "--key", "vendor.pub"); o.code != exitFound {
		t.Errorf("a key vouched for what an identity signed: %s", o.out)
	}
}

// writeTrustedRoot writes the certificates of a sigstore without logs.
func writeTrustedRoot(t *testing.T, s *ca.VirtualSigstore, path string) {
	t.Helper()
	trusted, err := root.NewTrustedRoot(root.TrustedRootMediaType01, s.FulcioCertificateAuthorities(), nil, s.TimestampingAuthorities(), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := trusted.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, string(text))
}

// writeKeylessBundle signs the document of a file without a key.
func writeKeylessBundle(t *testing.T, s *ca.VirtualSigstore, who, issuer, file, path string) {
	t.Helper()
	profiles, err := documents.Parse(file, []byte(readFile(t, file)))
	if err != nil {
		t.Fatal(err)
	}
	canonical, err := profiles[0].Canonical()
	if err != nil {
		t.Fatal(err)
	}
	entity, err := s.Sign(who, issuer, canonical)
	if err != nil {
		t.Fatal(err)
	}
	content, err := entity.SignatureContent()
	if err != nil {
		t.Fatal(err)
	}
	verification, err := entity.VerificationContent()
	if err != nil {
		t.Fatal(err)
	}
	timestamps, err := entity.Timestamps()
	if err != nil {
		t.Fatal(err)
	}
	text, err := protojson.Marshal(&protobundle.Bundle{
		MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
		VerificationMaterial: &protobundle.VerificationMaterial{
			Content: &protobundle.VerificationMaterial_Certificate{
				Certificate: &protocommon.X509Certificate{RawBytes: verification.Certificate().Raw},
			},
			TimestampVerificationData: &protobundle.TimestampVerificationData{
				Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{{SignedTimestamp: timestamps[0]}},
			},
		},
		Content: &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
			MessageDigest: &protocommon.HashOutput{
				Algorithm: protocommon.HashAlgorithm_SHA2_256,
				Digest:    content.MessageSignatureContent().Digest(),
			},
			Signature: content.Signature(),
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, string(text))
}
