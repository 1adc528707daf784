package artifact

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"bobwatch/internal/signature"
	"bobwatch/internal/signing"
	"bobwatch/internal/term"
)

// Inspect shows the documents in a registry.
type Inspect struct {
	Terminal *term.Terminal
	Format   term.Format
	Location Location
	Trust    signing.Trust
}

// Run prints the documents that a registry holds.
func (o *Inspect) Run(ctx context.Context, args []string) error {
	var verifier *signature.Verifier
	if o.Trust.Given() {
		var err error
		if verifier, err = o.Trust.Verifier(o.Terminal); err != nil {
			return err
		}
	}
	repository, found, err := o.Location.Find(ctx, args)
	if err != nil {
		return err
	}
	refused := false
	for i, b := range found {
		r, err := inspect(ctx, repository, b, verifier)
		if err != nil {
			return fmt.Errorf("%s: %w", repository.At(b.Digest), Advise(err))
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

func (o *Inspect) write(r *Inspection, first bool) error {
	out := o.Terminal.Out
	switch {
	case o.Format == term.YAML && !first:
		fmt.Fprintln(out, "---")
	case o.Format == term.Table && !first:
		fmt.Fprintln(out)
	}
	if o.Format != term.Table {
		return o.Format.Encode(out, r)
	}
	fmt.Fprintln(out, o.Terminal.Colour(term.Bold, r.Reference))
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
	if !slices.ContainsFunc(r.Signatures, func(v Verdict) bool { return v.Of == "artifact" }) {
		fmt.Fprintf(out, "  signature  %s\n", o.Terminal.Colour(term.Red, "the artifact is not signed"))
	}
	for _, v := range r.Signatures {
		fmt.Fprintf(out, "  signature  of the %s (%s): %s\n", v.Of, v.Form, o.judgement(v))
	}
	return nil
}

func (o *Inspect) judgement(v Verdict) string {
	switch {
	case v.Verified == nil:
		return "not verified; say whom to trust by --key or --certificate-identity"
	case *v.Verified:
		return o.Terminal.Colour(term.Green, "verified") + ", by " + term.Printable(v.SignedBy)
	}
	return o.Terminal.Colour(term.Red, "refused") + ": " + term.Printable(v.Error)
}
