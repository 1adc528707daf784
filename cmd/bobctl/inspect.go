package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"bobwatch/internal/docfile"
	"bobwatch/internal/registry"
	"bobwatch/internal/signature"
	"bobwatch/internal/term"
)

type inspectOptions struct {
	terminal *term.Terminal
	format   term.Format
	location location
	trust    trust
}

func newInspectCommand(t *term.Terminal) *cobra.Command {
	o := inspectOptions{terminal: t, location: location{terminal: t}}
	c := &cobra.Command{
		Use:   "inspect (oci://REF | --image REF)",
		Short: "Say what a registry holds: manifest, image, signatures",
		Long: `Say what a registry holds: the manifest of a published document, or of all that
are attached to an image, and their signatures. With flags that say whom to
trust, each signature is judged, and the exit code is 3 if a document is there
that pull would refuse.`,
		Example: `  bobctl inspect --image registry.example/acme/webapp:1.4.2
  bobctl inspect oci://registry.example/acme/bobs:stable --key vendor.pub
  bobctl inspect oci://registry.example/acme/bobs:stable -o json | jq -r .digest`,
		Args:              func(c *cobra.Command, args []string) error { return o.location.reference(c, args) },
		ValidArgsFunction: completeReference,
		RunE:              func(c *cobra.Command, args []string) error { return runInspect(c.Context(), o, args) },
	}
	registerFormat(c, &o.format)
	o.location.register(c.Flags())
	o.trust.register(c.Flags())
	return c
}

// inspected is the form of a result for machines.
type inspected struct {
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
	Signatures     []verdict         `json:"signatures"`
	Verified       *bool             `json:"verified,omitempty"` // absent if nobody was said to be trusted
}

type layer struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

// verdict is what is found about a signature.
type verdict struct {
	Of       string `json:"of"`               // artifact or document
	Digest   string `json:"digest,omitempty"` // of the manifest or layer that holds it
	Form     string `json:"form"`
	Verified *bool  `json:"verified,omitempty"` // absent if nobody was said to be trusted
	SignedBy string `json:"signedBy,omitempty"`
	Error    string `json:"error,omitempty"`
}

func runInspect(ctx context.Context, o inspectOptions, args []string) error {
	var verifier *signature.Verifier
	if o.trust.given() {
		var err error
		if verifier, err = o.trust.verifier(o.terminal); err != nil {
			return err
		}
	}
	repository, found, err := o.location.find(ctx, args)
	if err != nil {
		return err
	}
	refused := false
	for i, b := range found {
		r, err := inspect(ctx, repository, b, verifier)
		if err != nil {
			return fmt.Errorf("%s: %w", repository.At(b.Digest), advise(err))
		}
		refused = refused || r.Verified != nil && !*r.Verified
		if err := o.write(r, i == 0); err != nil {
			return err
		}
	}
	if refused {
		return term.ErrFound
	}
	return nil
}

// inspect reads all there is about an artifact. A nil verifier judges nothing.
func inspect(ctx context.Context, repository *registry.Repository, b *registry.BoB, v *signature.Verifier) (*inspected, error) {
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
	r := &inspected{
		Reference: repository.At(b.Digest).String(), Digest: b.Digest, ArtifactType: b.Manifest.ArtifactType,
		Document: p.Metadata.Name, DocumentDigest: fmt.Sprintf("sha256:%x", sha256.Sum256(canonical)),
		Version: p.Metadata.Version, Created: b.Created, Image: imageOf(repository, b),
		Annotations: b.Manifest.Annotations, Signatures: []verdict{},
	}
	for _, l := range b.Manifest.Layers {
		r.Layers = append(r.Layers, layer{MediaType: l.MediaType, Digest: l.Digest.String(), Size: l.Size})
	}
	for _, s := range signatures {
		verdict := verdict{Of: "artifact", Digest: s.Digest, Form: "bundle"}
		if s.Bundle == nil {
			verdict.Form = "payload"
		}
		if v != nil {
			verdict.take(v.VerifyArtifact(b.Digest, s.ArtifactSignature))
		}
		r.Signatures = append(r.Signatures, verdict)
	}
	for i, s := range content.Signatures {
		verdict := verdict{Of: "document", Digest: r.Layers[i+1].Digest, Form: "plain"}
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

func (v *verdict) take(trust signature.Trust, err error) {
	verified := err == nil
	v.Verified, v.SignedBy = &verified, trust.Authority
	if err != nil {
		v.Error = err.Error()
	}
}

// vouched reports whether one of the signatures of the artifact or the document
// verifies.
func (r *inspected) vouched(of string) bool {
	return slices.ContainsFunc(r.Signatures, func(v verdict) bool { return v.Of == of && *v.Verified })
}

func (o *inspectOptions) write(r *inspected, first bool) error {
	out := o.terminal.Out
	switch {
	case o.format == term.YAML && !first:
		fmt.Fprintln(out, "---")
	case o.format == term.Table && !first:
		fmt.Fprintln(out)
	}
	if o.format != term.Table {
		return o.format.Encode(out, r)
	}
	fmt.Fprintln(out, o.terminal.Colour(term.Bold, r.Reference))
	fmt.Fprintf(out, "  document   %s %s, %s\n", term.Word(r.Document), cmp.Or(term.Printable(r.Version), "without version"), r.DocumentDigest)
	fmt.Fprintf(out, "  image      %s\n", cmp.Or(r.Image, "none"))
	for _, l := range r.Layers {
		fmt.Fprintf(out, "  layer      %s, %d bytes, %s\n", l.MediaType, l.Size, l.Digest)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Annotations)) {
		if name != ocispec.AnnotationTitle && name != ocispec.AnnotationVersion {
			fmt.Fprintf(out, "  annotation %s: %s\n", term.Word(name), term.Printable(r.Annotations[name]))
		}
	}
	if !slices.ContainsFunc(r.Signatures, func(v verdict) bool { return v.Of == "artifact" }) {
		fmt.Fprintf(out, "  signature  %s\n", o.terminal.Colour(term.Red, "the artifact is not signed"))
	}
	for _, v := range r.Signatures {
		fmt.Fprintf(out, "  signature  of the %s (%s): %s\n", v.Of, v.Form, o.judgement(v))
	}
	return nil
}

func (o *inspectOptions) judgement(v verdict) string {
	switch {
	case v.Verified == nil:
		return "not verified; say whom to trust by --key or --certificate-identity"
	case *v.Verified:
		return o.terminal.Colour(term.Green, "verified") + ", by " + term.Printable(v.SignedBy)
	}
	return o.terminal.Colour(term.Red, "refused") + ": " + term.Printable(v.Error)
}
