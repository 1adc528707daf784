package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"bobwatch/internal/artifact"
	"bobwatch/internal/signature"
	"bobwatch/internal/term"
)

type inspectOptions struct {
	terminal *term.Terminal
	format   term.Format
	location artifact.Location
	trust    trust
}

func newInspectCommand(t *term.Terminal) *cobra.Command {
	o := inspectOptions{terminal: t, location: artifact.Location{Terminal: t}}
	c := &cobra.Command{
		Use:   "inspect (oci://REF | --image REF)",
		Short: "Show a published document: manifest, image, signatures",
		Long: `Show what a registry holds: the manifest and signatures of a published document,
or of all documents that are attached to an image. With --key or an identity,
bobctl verifies each signature and exits with 3 if pull would refuse a document.`,
		Example: `  bobctl inspect --image registry.example/acme/webapp:1.4.2
  bobctl inspect oci://registry.example/acme/bobs:stable --key vendor.pub
  bobctl inspect oci://registry.example/acme/bobs:stable -o json | jq -r .digest`,
		Args:              func(_ *cobra.Command, args []string) error { return o.location.Reference(args) },
		ValidArgsFunction: completeReference,
		RunE:              func(c *cobra.Command, args []string) error { return runInspect(c.Context(), o, args) },
	}
	registerFormat(c, &o.format)
	o.location.Register(c.Flags())
	registerPlainHTTP(c.Flags(), &o.location.PlainHTTP)
	o.trust.register(c.Flags())
	return c
}

func runInspect(ctx context.Context, o inspectOptions, args []string) error {
	var verifier *signature.Verifier
	if o.trust.given() {
		var err error
		if verifier, err = o.trust.verifier(o.terminal); err != nil {
			return err
		}
	}
	repository, found, err := o.location.Find(ctx, args)
	if err != nil {
		return err
	}
	refused := false
	for i, b := range found {
		r, err := artifact.Inspect(ctx, repository, b, verifier)
		if err != nil {
			return fmt.Errorf("%s: %w", repository.At(b.Digest), artifact.Advise(err))
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

func (o *inspectOptions) write(r *artifact.Inspection, first bool) error {
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
	if !slices.ContainsFunc(r.Signatures, func(v artifact.Verdict) bool { return v.Of == "artifact" }) {
		fmt.Fprintf(out, "  signature  %s\n", o.terminal.Colour(term.Red, "the artifact is not signed"))
	}
	for _, v := range r.Signatures {
		fmt.Fprintf(out, "  signature  of the %s (%s): %s\n", v.Of, v.Form, o.judgement(v))
	}
	return nil
}

func (o *inspectOptions) judgement(v artifact.Verdict) string {
	switch {
	case v.Verified == nil:
		return "not verified; say whom to trust by --key or --certificate-identity"
	case *v.Verified:
		return o.terminal.Colour(term.Green, "verified") + ", by " + term.Printable(v.SignedBy)
	}
	return o.terminal.Colour(term.Red, "refused") + ": " + term.Printable(v.Error)
}
