package artifact

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"regexp"

	"bobwatch/internal/docfile"
	"bobwatch/internal/profile"
	"bobwatch/internal/registry"
	"bobwatch/internal/signature"
	"bobwatch/internal/signing"
	"bobwatch/internal/term"
)

// Pull gets a document from a registry, and verifies it.
type Pull struct {
	Terminal   *term.Terminal
	Format     term.Format
	Location   Location
	Trust      signing.Trust
	Name       string // of the document, where several are attached to an image
	SkipVerify bool
	Out        string // file; empty for one that the document names
}

// Check checks the command line.
func (o *Pull) Check(args []string) error {
	switch {
	case o.SkipVerify && o.Trust.Given():
		return term.Usagef("--insecure-skip-verify trusts everybody: leave it out, or the flags that say whom to trust")
	case !o.SkipVerify && !o.Trust.Given():
		return term.Usagef("say whom to trust: --key FILE, or --certificate-identity, --certificate-oidc-issuer and --trusted-root; or nobody: --insecure-skip-verify")
	case o.Name != "" && o.Location.Image == "":
		return term.Usagef("--name chooses among the documents of an image: --image REF")
	case o.Format != term.Table && o.Out == docfile.Stdin:
		return term.Usagef("standard output cannot take both the document and the result; name a file by --out")
	}
	return o.Location.Reference(args)
}

// Pulled is the form of a result for machines.
type Pulled struct {
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

// Run gets a document and writes it.
func (o Pull) Run(ctx context.Context, args []string) error {
	var verifier *signature.Verifier
	if !o.SkipVerify {
		var err error
		if verifier, err = o.Trust.Verifier(o.Terminal); err != nil {
			return err
		}
	}
	repository, found, err := o.Location.Find(ctx, args)
	if err != nil {
		return err
	}
	chosen, err := Choose(ctx, repository, found, o.Name, verifier)
	if err != nil {
		return err
	}
	content, err := repository.Fetch(ctx, chosen.Bob)
	if err != nil {
		return Advise(err)
	}
	p, canonical, err := Document(chosen.Bob, content, verifier)
	if err != nil {
		return fmt.Errorf("%s: %w", repository.At(chosen.Bob.Digest), Advise(err))
	}
	files, err := o.write(p, content)
	if err != nil {
		return err
	}
	return o.report(&Pulled{
		Reference:      repository.At(chosen.Bob.Digest).String(),
		Digest:         chosen.Bob.Digest,
		Image:          ImageOf(repository, chosen.Bob),
		Document:       p.Metadata.Name,
		Version:        p.Metadata.Version,
		DocumentDigest: fmt.Sprintf("sha256:%x", sha256.Sum256(canonical)),
		Verified:       verifier != nil,
		SignedBy:       chosen.Trust.Authority,
		Files:          files,
	}, len(content.Signatures))
}

// fileName matches names of documents that are safe as names of files.
var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$`)

// write writes the document and its signatures, and returns the files.
func (o *Pull) write(p *profile.Profile, content *registry.Content) ([]string, error) {
	file := o.Out
	if file == "" {
		file = p.Metadata.Name + ".yaml"
		if !fileName.MatchString(p.Metadata.Name) {
			return nil, fmt.Errorf("the document is called %s, which is no name for a file; name one by --out", term.Word(p.Metadata.Name))
		}
		if _, err := os.Lstat(file); err == nil {
			return nil, fmt.Errorf("%s exists; to replace it, or to write to another file, name it by --out", file)
		}
	}
	if err := (&docfile.Output{File: file}).Write(o.Terminal, content.Document); err != nil || file == docfile.Stdin {
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

func (o *Pull) report(r *Pulled, signatures int) error {
	if !r.Verified {
		fmt.Fprintln(o.Terminal.Err, "warning: nothing was verified: it may come from anybody")
	}
	if signatures == 0 {
		fmt.Fprintln(o.Terminal.Err, "warning: the document has no signature for the agent; make one: bobctl sign --key NAME.key FILE")
	}
	if o.Format != term.Table {
		return o.Format.Encode(o.Terminal.Out, r)
	}
	out := o.Terminal.Out
	if o.Out == docfile.Stdin {
		out = o.Terminal.Err
	}
	if r.Verified {
		fmt.Fprintf(out, "%s: %s was signed by %s\n", o.Terminal.Colour(term.Green, "verified"), r.Reference, term.Printable(r.SignedBy))
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
