package signature

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

func digestOf(text string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(text))) }

// bundleOf returns a bundle by key of a statement, of payloadType.
func bundleOf(t testing.TB, key Algorithm, statement, payloadType string) (*Verifier, []byte) {
	t.Helper()
	signer := generate(t, key)
	pae := fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(statement), statement)
	s, err := Sign(signer, pae)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(map[string]any{
		"mediaType":            bundleMediaType,
		"verificationMaterial": map[string]any{"publicKey": map[string]string{"hint": s.hint}},
		"dsseEnvelope": map[string]any{
			"payload":     base64.StdEncoding.EncodeToString([]byte(statement)),
			"payloadType": payloadType,
			"signatures":  []any{map[string]string{"sig": base64.StdEncoding.EncodeToString(s.raw)}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return pinned(t, publicPEM(t, signer)), data
}

func TestSignArtifact(t *testing.T) {
	for _, algorithm := range []Algorithm{ECDSAP256, Ed25519} {
		t.Run(string(algorithm), func(t *testing.T) {
			key := generate(t, algorithm)
			digest := digestOf("manifest")
			bundle, err := SignArtifact(key, digest)
			if err != nil {
				t.Fatal(err)
			}
			s := ArtifactSignature{Bundle: bundle}
			verifier := pinned(t, publicPEM(t, key))
			if trust, err := verifier.VerifyArtifact(digest, s); err != nil || trust.Authority != "vendor" {
				t.Errorf("VerifyArtifact = %q, %v", trust.Authority, err)
			}
			if _, err := verifier.VerifyArtifact(digestOf("other"), s); !errors.Is(err, ErrSignature) {
				t.Errorf("VerifyArtifact of another manifest = %v, want %v", err, ErrSignature)
			}
			stranger := pinned(t, publicPEM(t, generate(t, algorithm)))
			if _, err := stranger.VerifyArtifact(digest, s); !errors.Is(err, ErrUntrusted) {
				t.Errorf("VerifyArtifact with another key = %v, want %v", err, ErrUntrusted)
			}
			// Neither kind of signature passes for the other.
			if _, err := verifier.Verify(signed(document, bundle)); !errors.Is(err, ErrSignature) {
				t.Errorf("Verify of a document by a statement = %v, want %v", err, ErrSignature)
			}
			plain, err := Sign(key, document)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := verifier.VerifyArtifact(digestOf(string(document)), ArtifactSignature{Bundle: plain.Bundle()}); !errors.Is(err, ErrSignature) {
				t.Errorf("VerifyArtifact by a document's signature = %v, want %v", err, ErrSignature)
			}
		})
	}
	if _, err := SignArtifact(generate(t, ECDSAP256), "sha256:ff"); err == nil {
		t.Error("SignArtifact of half a digest = nil, want an error")
	}
}

func TestVerifyArtifactStatements(t *testing.T) {
	digest := digestOf("manifest")
	sum := strings.TrimPrefix(digest, "sha256:")
	subject := `[{"digest":{"sha256":"` + sum + `"}}]`
	tests := map[string]struct {
		statement   string
		payloadType string
		err         string // "" if it verifies
	}{
		"cosign's":          {statement: `{"subject":` + subject + `,"predicateType":"` + ArtifactPredicate + `"}`},
		"list of packages":  {statement: `{"subject":` + subject + `,"predicateType":"https://spdx.dev/Document"}`, err: "is not a signature"},
		"of nothing":        {statement: `{"subject":[],"predicateType":"` + ArtifactPredicate + `"}`, err: "another artifact"},
		"of another digest": {statement: `{"subject":[{"digest":{"sha512":"` + sum + `"}}],"predicateType":"` + ArtifactPredicate + `"}`, err: "another artifact"},
		"no statement":      {statement: `[]`, err: "parse statement"},
		"another payload":   {statement: `{"subject":` + subject + `,"predicateType":"` + ArtifactPredicate + `"}`, payloadType: "text/plain", err: "payloadType"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.payloadType == "" {
				tt.payloadType = statementPayloadType
			}
			verifier, bundle := bundleOf(t, ECDSAP256, tt.statement, tt.payloadType)
			_, err := verifier.VerifyArtifact(digest, ArtifactSignature{Bundle: bundle})
			switch {
			case tt.err == "" && err != nil:
				t.Errorf("VerifyArtifact = %v", err)
			case tt.err != "" && (!errors.Is(err, ErrSignature) || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("VerifyArtifact = %v, want %v: %s", err, ErrSignature, tt.err)
			}
		})
	}
}

// payloadOf is what cosign 2 signs.
func payloadOf(kind, digest string) string {
	return `{"critical":{"identity":{"docker-reference":"r.example/a"},"image":{"docker-manifest-digest":"` + digest + `"},"type":"` + kind + `"},"optional":null}`
}

func TestVerifyArtifactPayload(t *testing.T) {
	digest := digestOf("manifest")
	key := generate(t, ECDSAP256)
	verifier := pinned(t, publicPEM(t, key))
	tests := map[string]struct {
		payload string
		err     string
	}{
		"cosign's":           {payload: payloadOf(payloadType, digest)},
		"of another digest":  {payload: payloadOf(payloadType, digestOf("other")), err: "another artifact"},
		"of another kind":    {payload: payloadOf("promise", digest), err: "not a signature of an artifact"},
		"that is no payload": {payload: digest, err: "parse payload"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := Sign(key, []byte(tt.payload))
			if err != nil {
				t.Fatal(err)
			}
			_, err = verifier.VerifyArtifact(digest, ArtifactSignature{Payload: []byte(tt.payload), Plain: s.Plain()})
			switch {
			case tt.err == "" && err != nil:
				t.Errorf("VerifyArtifact = %v", err)
			case tt.err != "" && (!errors.Is(err, ErrSignature) || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("VerifyArtifact = %v, want %v: %s", err, ErrSignature, tt.err)
			}
			changed := ArtifactSignature{Payload: append([]byte(tt.payload), ' '), Plain: s.Plain()}
			if _, err := verifier.VerifyArtifact(digest, changed); !errors.Is(err, ErrSignature) {
				t.Errorf("VerifyArtifact of a changed payload = %v, want %v", err, ErrSignature)
			}
		})
	}
}

// attest makes the bundle of a statement without a key.
func (s *sigstore) attest(t testing.TB, statement string) []byte {
	t.Helper()
	entity, err := s.Attest(subject, issuer, []byte(statement))
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
	entry := s.include(t, entries[0])
	entry.KindVersion.Kind, entry.KindVersion.Version = "dsse", "0.0.1"
	data, err := protojson.Marshal(&protobundle.Bundle{
		MediaType: bundleMediaType,
		VerificationMaterial: &protobundle.VerificationMaterial{
			Content: &protobundle.VerificationMaterial_Certificate{
				Certificate: &protocommon.X509Certificate{RawBytes: verification.Certificate().Raw},
			},
			TlogEntries: []*protorekor.TransparencyLogEntry{entry},
			TimestampVerificationData: &protobundle.TimestampVerificationData{
				Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{{SignedTimestamp: timestamps[0]}},
			},
		},
		Content: &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
			Payload:     []byte(statement),
			PayloadType: statementPayloadType,
			Signatures:  []*protodsse.Signature{{Sig: content.Signature()}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestVerifyArtifactKeyless(t *testing.T) {
	s := newSigstore(t)
	digest := digestOf("manifest")
	statement := func(predicate string) string {
		return `{"_type":"` + statementType + `","subject":[{"digest":{"sha256":"` + strings.TrimPrefix(digest, "sha256:") +
			`"}}],"predicateType":"` + predicate + `","predicate":{}}`
	}
	bundle := s.attest(t, statement(ArtifactPredicate))
	tests := map[string]struct {
		identity Identity
		digest   string
		bundle   []byte
		want     error
	}{
		"good":            {identity: Identity{Issuer: issuer, Subject: subject}},
		"another subject": {identity: Identity{Issuer: issuer, Subject: "mallory@acme.example"}, want: ErrUntrusted},
		"another digest":  {identity: Identity{Issuer: issuer, Subject: subject}, digest: digestOf("other"), want: ErrSignature},
		"another kind":    {identity: Identity{Issuer: issuer, Subject: subject}, bundle: s.attest(t, statement("https://spdx.dev/Document")), want: ErrSignature},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.digest == "" {
				tt.digest = digest
			}
			if tt.bundle == nil {
				tt.bundle = bundle
			}
			trust, err := s.verifier(t, tt.identity).VerifyArtifact(tt.digest, ArtifactSignature{Bundle: tt.bundle})
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Errorf("VerifyArtifact = %v, want %v", err, tt.want)
			}
			if err == nil && trust.Authority != "release" {
				t.Errorf("Authority = %q, want release", trust.Authority)
			}
		})
	}
	if _, err := pinned(t, publicPEM(t, generate(t, ECDSAP256))).VerifyArtifact(digest, ArtifactSignature{Bundle: bundle}); !errors.Is(err, ErrUntrusted) {
		t.Errorf("VerifyArtifact with a key alone = %v, want %v", err, ErrUntrusted)
	}
}

// FuzzVerifyArtifact holds that nothing that lies in a registry vouches for a
// manifest that its signer did not see.
func FuzzVerifyArtifact(f *testing.F) {
	key := generate(f, ECDSAP256)
	digest := digestOf("manifest")
	bundle, err := SignArtifact(key, digest)
	if err != nil {
		f.Fatal(err)
	}
	payload := []byte(payloadOf(payloadType, digest))
	s, err := Sign(key, payload)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bundle, []byte(nil), []byte(nil))
	f.Add([]byte(nil), payload, s.Plain())
	f.Add(s.Bundle(), payload, s.Plain())
	verifier := pinned(f, publicPEM(f, key))
	f.Fuzz(func(t *testing.T, bundle, payload, plain []byte) {
		for _, s := range []ArtifactSignature{{Bundle: bundle}, {Payload: payload, Plain: plain}} {
			if trust, err := verifier.VerifyArtifact(digestOf("a manifest that nobody signed"), s); err == nil {
				t.Errorf("VerifyArtifact = %q, want an error", trust.Authority)
			}
		}
	})
}
