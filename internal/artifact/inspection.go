package artifact

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"bobwatch/internal/docfile"
	"bobwatch/internal/registry"
	"bobwatch/internal/signature"
)

// Inspection is the form of a result for machines.
type Inspection struct {
	Reference      string            `json:"reference"`
	Digest         string            `json:"digest"` // of the manifest
	ArtifactType   string            `json:"artifactType"`
	Document       string            `json:"document"`
	DocumentDigest string            `json:"documentDigest"` // of the canonical bytes
	Version        string            `json:"version,omitempty"`
	Created        time.Time         `json:"created,omitzero"`
	Image          string            `json:"image,omitempty"`
	Layers         []layer           `json:"layers"`
	Annotations    map[string]string `json:"annotations,omitempty"`
	Signatures     []Verdict         `json:"signatures"`
	Verified       *bool             `json:"verified,omitempty"` // absent if nobody was said to be trusted
}

type layer struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

// Verdict is the result of verifying a signature.
type Verdict struct {
	Of       string `json:"of"`               // artifact or document
	Digest   string `json:"digest,omitempty"` // of the manifest or layer that holds it
	Form     string `json:"form"`
	Verified *bool  `json:"verified,omitempty"` // absent if nobody was said to be trusted
	SignedBy string `json:"signedBy,omitempty"`
	Error    string `json:"error,omitempty"`
}

// inspect reads all there is about an artifact. A nil verifier judges nothing.
func inspect(ctx context.Context, repository *registry.Repository, b *registry.BoB, v *signature.Verifier) (*Inspection, error) {
	content, err := repository.Fetch(ctx, b)
	if err != nil {
		return nil, err
	}
	p, err := docfile.Only("document", content.Document)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", registry.ErrNotBoB, err)
	}
	canonical, err := p.Canonical()
	if err != nil {
		return nil, err
	}
	signatures, err := repository.Signatures(ctx, b)
	if err != nil {
		return nil, err
	}
	r := &Inspection{
		Reference: repository.At(b.Digest).String(), Digest: b.Digest, ArtifactType: b.Manifest.ArtifactType,
		Document: p.Metadata.Name, DocumentDigest: fmt.Sprintf("sha256:%x", sha256.Sum256(canonical)),
		Version: p.Metadata.Version, Created: b.Created, Image: ImageOf(repository, b),
		Annotations: b.Manifest.Annotations, Signatures: []Verdict{},
	}
	for _, l := range b.Manifest.Layers {
		r.Layers = append(r.Layers, layer{MediaType: l.MediaType, Digest: l.Digest.String(), Size: l.Size})
	}
	for _, s := range signatures {
		verdict := Verdict{Of: "artifact", Digest: s.Digest, Form: "bundle"}
		if s.Bundle == nil {
			verdict.Form = "payload"
		}
		if v != nil {
			verdict.take(v.VerifyArtifact(b.Digest, s.ArtifactSignature))
		}
		r.Signatures = append(r.Signatures, verdict)
	}
	for i, s := range content.Signatures {
		verdict := Verdict{Of: "document", Digest: r.Layers[i+1].Digest, Form: "plain"}
		if signature.IsBundle(s) {
			verdict.Form = "bundle"
		}
		if v != nil {
			verdict.take(v.Verify(signature.Document{Canonical: canonical, Signatures: [][]byte{s}}))
		}
		r.Signatures = append(r.Signatures, verdict)
	}
	if v != nil {
		verified := r.vouched("artifact") && (len(content.Signatures) == 0 || r.vouched("document"))
		r.Verified = &verified
	}
	return r, nil
}

func (v *Verdict) take(trust signature.Trust, err error) {
	verified := err == nil
	v.Verified, v.SignedBy = &verified, trust.Authority
	if err != nil {
		v.Error = err.Error()
	}
}

// vouched reports whether one of the signatures of the artifact or the document
// verifies.
func (r *Inspection) vouched(of string) bool {
	return slices.ContainsFunc(r.Signatures, func(v Verdict) bool { return v.Of == of && *v.Verified })
}
