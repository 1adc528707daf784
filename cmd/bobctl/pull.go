package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"regexp"

	"github.com/spf13/cobra"

	"bobwatch/internal/artifact"
	"bobwatch/internal/docfile"
	"bobwatch/internal/profile"
	"bobwatch/internal/registry"
	"bobwatch/internal/signature"
	"bobwatch/internal/term"
)

type pullOptions struct {
	terminal *term.Terminal
	format   term.Format
	location artifact.Location
	trust    trust
	name     string
	skip     bool
	result   result
}

func newPullCommand(t *term.Terminal) *cobra.Command {
	o := pullOptions{terminal: t, location: artifact.Location{Terminal: t}}
	c := &cobra.Command{
		Use:   "pull (oci://REF | --image REF) (--key KEY | --certificate-identity ...)",
		Short: "Get a document from a registry, and verify it",
		Long: `Get a document from a registry: by its own reference, or as attached to an
image. It is written together with its signatures, as the agent wants them.

bobctl writes nothing unless the key or identity of the flags signed the artifact
in cosign's way. That signature vouches for the document and for the image it
belongs to. If the document has signatures of its own, one of them must be by the
same signer. Exits with 3 if verification fails. A tag can move: bobctl prints the
digest, and --digest or @DIGEST pins it.`,
		Example: `  bobctl pull --image registry.example/acme/webapp@sha256:... --key vendor.pub
  bobctl pull oci://registry.example/acme/bobs:webapp-1.4.2 --key vendor.pub --out webapp.yaml
  bobctl pull --image registry.example/acme/webapp:1.4.2 --trusted-root trusted_root.json \
    --certificate-identity-regexp 'https://github\.com/acme/webapp/.*' \
    --certificate-oidc-issuer https://token.actions.githubusercontent.com`,
		Args:              o.check,
		ValidArgsFunction: completeReference,
		RunE:              func(c *cobra.Command, args []string) error { return runPull(c.Context(), o, args) },
	}
	flags := c.Flags()
	registerFormat(c, &o.format)
	o.location.Register(flags)
	registerPlainHTTP(flags, &o.location.PlainHTTP)
	o.trust.register(flags)
	flags.StringVar(&o.name, "name", "", "take the document called `NAME`, of several that are attached to the image")
	flags.BoolVar(&o.skip, "insecure-skip-verify", false, "write the document without verifying its signatures")
	flags.StringVar(&o.result.file, "out", "", "write to `FILE` instead of NAME.yaml (- for standard output, without signatures)")
	return c
}

// completeReference offers how a reference begins.
func completeReference(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{registry.Scheme}, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}

func (o *pullOptions) check(_ *cobra.Command, args []string) error {
	switch {
	case o.skip && o.trust.given():
		return term.Usagef("--insecure-skip-verify trusts everybody: leave it out, or the flags that say whom to trust")
	case !o.skip && !o.trust.given():
		return term.Usagef("say whom to trust: --key FILE, or --certificate-identity, --certificate-oidc-issuer and --trusted-root; or nobody: --insecure-skip-verify")
	case o.name != "" && o.location.Image == "":
		return term.Usagef("--name chooses among the documents of an image: --image REF")
	case o.format != term.Table && o.result.file == docfile.Stdin:
		return term.Usagef("standard output cannot take both the document and the result; name a file by --out")
	}
	return o.location.Reference(args)
}

// pulled is the form of a result for machines.
type pulled struct {
	Reference      string   `json:"reference"`
	Digest         string   `json:"digest"` // of the manifest
	Image          string   `json:"image,omitempty"`
	Document       string   `json:"document"`
	Version        string   `json:"version,omitempty"`
	DocumentDigest string   `json:"documentDigest"` // of the canonical bytes
	Verified       bool     `json:"verified"`
	SignedBy       string   `json:"signedBy,omitempty"`
	Files          []string `json:"files,omitempty"`
}

func runPull(ctx context.Context, o pullOptions, args []string) error {
	var verifier *signature.Verifier
	if !o.skip {
		var err error
		if verifier, err = o.trust.verifier(o.terminal); err != nil {
			return err
		}
	}
	repository, found, err := o.location.Find(ctx, args)
	if err != nil {
		return err
	}
	chosen, err := artifact.Choose(ctx, repository, found, o.name, verifier)
	if err != nil {
		return err
	}
	content, err := repository.Fetch(ctx, chosen.Bob)
	if err != nil {
		return artifact.Advise(err)
	}
	p, canonical, err := artifact.Document(chosen.Bob, content, verifier)
	if err != nil {
		return fmt.Errorf("%s: %w", repository.At(chosen.Bob.Digest), artifact.Advise(err))
	}
	files, err := o.write(p, content)
	if err != nil {
		return err
	}
	return o.report(&pulled{
		Reference:      repository.At(chosen.Bob.Digest).String(),
		Digest:         chosen.Bob.Digest,
		Image:          artifact.ImageOf(repository, chosen.Bob),
		Document:       p.Metadata.Name,
		Version:        p.Metadata.Version,
		DocumentDigest: fmt.Sprintf("sha256:%x", sha256.Sum256(canonical)),
		Verified:       verifier != nil,
		SignedBy:       chosen.Trust.Authority,
		Files:          files,
	}, len(content.Signatures))
}

// fileName is what a document's name has to be to name a file too.
var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$`)

// write writes the document and its signatures, and returns the files.
func (o *pullOptions) write(p *profile.Profile, content *registry.Content) ([]string, error) {
	file := o.result.file
	if file == "" {
		file = p.Metadata.Name + ".yaml"
		if !fileName.MatchString(p.Metadata.Name) {
			return nil, fmt.Errorf("the document is called %s, which is no name for a file; name one by --out", term.Word(p.Metadata.Name))
		}
		if _, err := os.Lstat(file); err == nil {
			return nil, fmt.Errorf("%s exists; to replace it, or to write to another file, name it by --out", file)
		}
	}
	if err := (&result{file: file}).write(o.terminal, content.Document); err != nil || file == docfile.Stdin {
		return nil, err
	}
	files := []string{file}
	paths := docfile.SignaturePaths(file)
	for _, s := range content.Signatures {
		path := paths[0]
		if signature.IsBundle(s) {
			path = paths[1]
		}
		if err := docfile.Replace(path, s); err != nil {
			return nil, err
		}
		files = append(files, path)
	}
	return files, nil
}

func (o *pullOptions) report(r *pulled, signatures int) error {
	if !r.Verified {
		fmt.Fprintln(o.terminal.Err, "warning: nothing was verified: it may come from anybody")
	}
	if signatures == 0 {
		fmt.Fprintln(o.terminal.Err, "warning: the document has no signature for the agent; make one: bobctl sign --key NAME.key FILE")
	}
	if o.format != term.Table {
		return o.format.Encode(o.terminal.Out, r)
	}
	out := o.terminal.Out
	if o.result.file == docfile.Stdin {
		out = o.terminal.Err
	}
	if r.Verified {
		fmt.Fprintf(out, "%s: %s was signed by %s\n", o.terminal.Colour(term.Green, "verified"), r.Reference, term.Printable(r.SignedBy))
	}
	fmt.Fprintf(out, "  document  %s %s\n", term.Word(r.Document), term.Printable(r.Version))
	if r.Image != "" {
		fmt.Fprintf(out, "  image     %s\n", r.Image)
	}
	if len(r.Files) > 0 {
		fmt.Fprintf(out, "  wrote     %s\n", term.JoinWords(r.Files))
	}
	fmt.Fprintf(out, "To get the same again: bobctl pull oci://%s\n", r.Reference)
	return nil
}
