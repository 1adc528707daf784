package signature

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"google.golang.org/protobuf/encoding/protojson"
)

const (
	issuer  = "https://issuer.example"
	subject = "release@acme.example"
)

// sigstore is a whole sigstore of the test's own: certificate authority, log
// and timestamp authority.
type sigstore struct {
	*ca.VirtualSigstore
	rootFile string
}

func newSigstore(t testing.TB) *sigstore {
	t.Helper()
	virtual, err := ca.NewVirtualSigstore()
	if err != nil {
		t.Fatal(err)
	}
	s := &sigstore{VirtualSigstore: virtual}
	s.writeRoot(t, nil)
	return s
}

// writeRoot makes a trusted root of the sigstore, with those logs of
// certificates.
func (s *sigstore) writeRoot(t testing.TB, ctLogs map[string]*root.TransparencyLog) {
	t.Helper()
	trusted, err := root.NewTrustedRoot(root.TrustedRootMediaType01, s.FulcioCertificateAuthorities(),
		byteIDs(t, ctLogs), s.TimestampingAuthorities(), byteIDs(t, s.RekorLogs()))
	if err != nil {
		t.Fatal(err)
	}
	data, err := trusted.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	s.rootFile = filepath.Join(t.TempDir(), "trusted_root.json")
	if err := os.WriteFile(s.rootFile, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// byteIDs undoes that the virtual sigstore gives the ids of its logs in hex.
func byteIDs(t testing.TB, logs map[string]*root.TransparencyLog) map[string]*root.TransparencyLog {
	t.Helper()
	for id, log := range logs {
		raw, err := hex.DecodeString(id)
		if err != nil {
			t.Fatal(err)
		}
		log.ID = raw
	}
	return logs
}

// verifier trusts identity with everything, under the name release.
func (s *sigstore) verifier(t testing.TB, identity Identity) *Verifier {
	t.Helper()
	identity.TrustedRootFile = s.rootFile
	return newVerifier(t, Policy{Authorities: []Authority{{Name: "release", Keyless: &identity, Workloads: everything}}})
}

// sign makes the bundle that `cosign sign-blob` makes without a key.
func (s *sigstore) sign(t testing.TB, canonical []byte) []byte {
	t.Helper()
	entity, err := s.Sign(subject, issuer, canonical)
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
	entries, err := entity.TlogEntries()
	if err != nil {
		t.Fatal(err)
	}
	b := &protobundle.Bundle{
		MediaType: bundleMediaType,
		VerificationMaterial: &protobundle.VerificationMaterial{
			Content: &protobundle.VerificationMaterial_Certificate{
				Certificate: &protocommon.X509Certificate{RawBytes: verification.Certificate().Raw},
			},
			TlogEntries: []*protorekor.TransparencyLogEntry{s.include(t, entries[0])},
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
	}
	data, err := protojson.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// include adds the log's promise and its proof to include the entry, which the
// virtual sigstore keeps to itself or leaves out.
func (s *sigstore) include(t testing.TB, entry *tlog.Entry) *protorekor.TransparencyLogEntry {
	t.Helper()
	e := entry.TransparencyLogEntry()
	promise, err := s.RekorSignPayload(tlog.RekorPayload{
		Body:           base64.StdEncoding.EncodeToString(e.CanonicalizedBody),
		IntegratedTime: e.IntegratedTime,
		LogIndex:       e.LogIndex,
		LogID:          hex.EncodeToString(e.LogId.KeyId),
	})
	if err != nil {
		t.Fatal(err)
	}
	proof, err := s.GetInclusionProof(e.CanonicalizedBody)
	if err != nil {
		t.Fatal(err)
	}
	rootHash, err := hex.DecodeString(*proof.RootHash)
	if err != nil {
		t.Fatal(err)
	}
	e.KindVersion = &protorekor.KindVersion{Kind: "hashedrekord", Version: "0.0.1"}
	e.InclusionPromise = &protorekor.InclusionPromise{SignedEntryTimestamp: promise}
	e.InclusionProof = &protorekor.InclusionProof{
		LogIndex:   *proof.LogIndex,
		RootHash:   rootHash,
		TreeSize:   *proof.TreeSize,
		Checkpoint: &protorekor.Checkpoint{Envelope: *proof.Checkpoint},
	}
	return e
}

func TestKeylessIdentity(t *testing.T) {
	s := newSigstore(t)
	file := s.sign(t, document)
	tests := map[string]struct {
		identity Identity
		want     error
	}{
		"exact":                  {Identity{Issuer: issuer, Subject: subject}, nil},
		"regular expressions":    {Identity{IssuerRegexp: `https://issuer\..*`, SubjectRegexp: `.*@acme\.example`}, nil},
		"another subject":        {Identity{Issuer: issuer, Subject: "mallory@acme.example"}, ErrUntrusted},
		"another issuer":         {Identity{Issuer: "https://evil.example", Subject: subject}, ErrUntrusted},
		"part of the subject":    {Identity{Issuer: issuer, SubjectRegexp: `acme\.example`}, ErrUntrusted},
		"part of the issuer":     {Identity{IssuerRegexp: `issuer`, Subject: subject}, ErrUntrusted},
		"alternative, anchored":  {Identity{Issuer: issuer, SubjectRegexp: `a|release`}, ErrUntrusted},
		"alternative that holds": {Identity{Issuer: issuer, SubjectRegexp: `a|release@.*`}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			trust, err := s.verifier(t, tt.identity).Verify(signed(document, file))
			if !errors.Is(err, tt.want) {
				t.Fatalf("Verify = %v, want %v", err, tt.want)
			}
			if err == nil && trust.Authority != "release" {
				t.Errorf("Authority = %q, want release", trust.Authority)
			}
		})
	}
}

func TestKeylessRefused(t *testing.T) {
	s := newSigstore(t)
	identity := Identity{Issuer: issuer, Subject: subject}
	file := s.sign(t, document)

	if _, err := newSigstore(t).verifier(t, identity).Verify(signed(document, file)); !errors.Is(err, ErrSignature) {
		t.Errorf("Verify with another trusted root = %v, want %v", err, ErrSignature)
	}
	if _, err := s.verifier(t, identity).Verify(signed(append(document, ' '), file)); !errors.Is(err, ErrSignature) {
		t.Errorf("Verify of another document = %v, want %v", err, ErrSignature)
	}
	keyed := pinned(t, publicPEM(t, generate(t, ECDSAP256)))
	if _, err := keyed.Verify(signed(document, file)); !errors.Is(err, ErrUntrusted) {
		t.Errorf("Verify with pinned keys only = %v, want %v", err, ErrUntrusted)
	}
	scoped := newVerifier(t, Policy{Authorities: []Authority{{
		Name: "release", Workloads: []Scope{{"bank", "*"}},
		Keyless: &Identity{TrustedRootFile: s.rootFile, Issuer: issuer, Subject: subject},
	}}})
	if _, err := scoped.Verify(signed(document, file)); !errors.Is(err, ErrScope) {
		t.Errorf("Verify out of scope = %v, want %v", err, ErrScope)
	}
}

// TestKeylessNeedsWitnesses takes each witness away in turn. Log and timestamps
// each tell the time; the log has to be there as the root names one.
func TestKeylessNeedsWitnesses(t *testing.T) {
	s := newSigstore(t)
	verifier := s.verifier(t, Identity{Issuer: issuer, Subject: subject})
	file := s.sign(t, document)
	without := func(field string) []byte {
		var b map[string]json.RawMessage
		var material map[string]json.RawMessage
		if err := errors.Join(json.Unmarshal(file, &b), json.Unmarshal(b["verificationMaterial"], &material)); err != nil {
			t.Fatal(err)
		}
		delete(material, field)
		var err error
		if b["verificationMaterial"], err = json.Marshal(material); err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for field, want := range map[string]error{"timestampVerificationData": nil, "tlogEntries": ErrSignature, "certificate": ErrSignature} {
		if _, err := verifier.Verify(signed(document, without(field))); !errors.Is(err, want) {
			t.Errorf("Verify without %s = %v, want %v", field, err, want)
		}
	}
	// Its certificates are in no log of certificates.
	s.writeRoot(t, s.CTLogs())
	if _, err := s.verifier(t, Identity{Issuer: issuer, Subject: subject}).Verify(signed(document, file)); !errors.Is(err, ErrSignature) {
		t.Errorf("Verify against a root with a log of certificates = %v, want %v", err, ErrSignature)
	}
}

// Any bit of the values a keyless signature is made of: certificate, digest,
// signature, and what the log and the timestamp authority witnessed.
func TestKeylessRefusesAnyFlip(t *testing.T) {
	s := newSigstore(t)
	verifier := s.verifier(t, Identity{Issuer: issuer, Subject: subject})
	file := s.sign(t, document)
	for _, field := range []string{"rawBytes", "digest", "signature", "canonicalizedBody", "signedEntryTimestamp"} {
		from, value := base64Value(t, file, field)
		for i := range value {
			broken := bytes.Clone(value)
			broken[i] ^= 1 << (i % 8)
			flipped := bytes.Clone(file)
			base64.StdEncoding.Encode(flipped[from:], broken)
			if _, err := verifier.Verify(signed(document, flipped)); err == nil {
				t.Errorf("Verify with byte %d of %s flipped = nil, want an error", i, field)
			}
		}
	}
}

// base64Value finds the value of a field in a bundle.
func base64Value(t *testing.T, file []byte, field string) (from int, value []byte) {
	t.Helper()
	from = bytes.Index(file, []byte(`"`+field+`":`))
	if from < 0 {
		t.Fatalf("no %s in %s", field, file)
	}
	from += len(field) + 3
	from += bytes.IndexByte(file[from:], '"') + 1
	value, err := base64.StdEncoding.DecodeString(string(file[from : from+bytes.IndexByte(file[from:], '"')]))
	if err != nil {
		t.Fatal(err)
	}
	return from, value
}
