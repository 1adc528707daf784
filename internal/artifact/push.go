package artifact

import (
	"context"
	"crypto"
	"fmt"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"bobwatch/internal/docfile"
	"bobwatch/internal/profile"
	"bobwatch/internal/registry"
	"bobwatch/internal/signature"
	"bobwatch/internal/signing"
	"bobwatch/internal/term"
)

// Push publishes a document in a registry.
type Push struct {
	Terminal  *term.Terminal
	Format    term.Format
	Image     string // to attach it to; empty for none
	Key       string // file of the private key; empty for none
	PlainHTTP bool
	Patterns  []string // of further credentials
}

// Check checks the command line.
func (o *Push) Check(args []string) error {
	if len(args) != 2 {
		return term.Usagef("want FILE and oci://REGISTRY/REPOSITORY, got %d arguments", len(args))
	}
	target, err := ParseOCI(args[1])
	switch {
	case err != nil:
		return err
	case target.Digest() != "":
		return term.Usagef("%s: the digest is what a push results in; name a tag", target)
	case o.Image == "" && target.Tag() == "":
		return term.Usagef("%s: name a tag, or by --image the image that it belongs to", target)
	case o.Image == "":
		return nil
	}
	image, err := ParseImage(o.Image)
	if err == nil && image.Repository() != target.Repository() {
		return term.Usagef("a document lies in the repository of its image: push it to oci://%s, or copy the image to %s first",
			image.Repository(), target.Repository())
	}
	return err
}

// Pushed is the form of a result for machines.
type Pushed struct {
	Reference string `json:"reference"`
	Digest    string `json:"digest"`
	Tag       string `json:"tag,omitempty"`
	Document  string `json:"document"`
	Image     string `json:"image,omitempty"` // with its digest
	Signed    bool   `json:"signed"`
}

// Run pushes the document in a file.
func (o Push) Run(ctx context.Context, path, to string) error {
	target, err := ParseOCI(to)
	if err != nil {
		return err
	}
	content, p, err := o.content(path)
	if err != nil {
		return err
	}
	key, err := o.sign(p, content)
	if err != nil {
		return err
	}
	repository, err := registry.Open(target, registry.Options{PlainHTTP: o.PlainHTTP, Progress: o.Terminal.Progress()})
	if err != nil {
		return err
	}
	if tag := target.Tag(); tag != "" {
		if err := repository.CanTag(ctx, tag); err != nil {
			return anotherTag(err)
		}
	}
	image, err := o.resolve(ctx, repository)
	if err != nil {
		return err
	}
	b, err := repository.Push(ctx, *content, registry.Description{
		Name: p.Metadata.Name, Version: p.Metadata.Version, Created: time.Now(), Image: image,
	})
	if err == nil && key != nil {
		err = repository.Sign(ctx, b, key)
	}
	if err == nil && target.Tag() != "" {
		err = repository.Tag(ctx, b, target.Tag())
	}
	if err != nil {
		return err
	}
	return o.report(target, b, p)
}

// content reads the document, and without a key the signatures next to it.
func (o *Push) content(path string) (*registry.Content, *profile.Profile, error) {
	data, err := docfile.Read(o.Terminal.In, path)
	if err != nil {
		return nil, nil, err
	}
	p, err := docfile.Only(path, data)
	if err != nil {
		return nil, nil, err
	}
	if err := signing.RefuseSecrets(p, o.Patterns); err != nil {
		return nil, nil, err
	}
	content := &registry.Content{Document: data}
	if o.Key != "" || path == docfile.Stdin {
		return content, p, nil
	}
	for _, beside := range docfile.Existing(docfile.SignaturePaths(path)) {
		s, err := docfile.Read(o.Terminal.In, beside)
		if err != nil {
			return nil, nil, err
		}
		content.Signatures = append(content.Signatures, s)
	}
	return content, p, nil
}

// sign signs the document, and returns the key for the
func (o *Push) sign(p *profile.Profile, content *registry.Content) (crypto.Signer, error) {
	if o.Key == "" {
		return nil, nil
	}
	key, err := signing.PrivateKey(o.Terminal, o.Key)
	if err != nil {
		return nil, err
	}
	canonical, err := p.Canonical()
	if err != nil {
		return nil, err
	}
	s, err := signature.Sign(key, canonical)
	if err != nil {
		return nil, err
	}
	content.Signatures = [][]byte{s.Bundle()}
	signing.Remark(o.Terminal, p)
	return key, nil
}

// resolve returns the image to attach to, if there is one.
func (o *Push) resolve(ctx context.Context, repository *registry.Repository) (*ocispec.Descriptor, error) {
	if o.Image == "" {
		return nil, nil
	}
	ref, err := ParseImage(o.Image)
	if err != nil {
		return nil, err
	}
	image, err := repository.Resolve(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("%w; push the image first", err)
	}
	return &image, nil
}

func (o *Push) report(target registry.Reference, b *registry.BoB, p *profile.Profile) error {
	result := Pushed{
		Reference: target.With(b.Digest).String(), Digest: b.Digest, Tag: target.Tag(),
		Document: p.Metadata.Name, Signed: o.Key != "",
	}
	if b.Image != nil {
		result.Image = target.With(b.Image.Digest.String()).String()
	}
	if o.Format != term.Table {
		return o.Format.Encode(o.Terminal.Out, result)
	}
	out := o.Terminal.Out
	fmt.Fprintf(out, "pushed %s as %s\n", term.Word(result.Document), result.Reference)
	if result.Tag != "" {
		fmt.Fprintf(out, "  tag    %s\n", result.Tag)
	}
	if result.Image != "" {
		fmt.Fprintf(out, "  image  %s\n", result.Image)
	}
	if !result.Signed {
		fmt.Fprintf(out, "Next: sign it, or nobody can pull it: cosign sign %s\n", result.Reference)
		return nil
	}
	from := registry.Scheme + result.Reference
	if result.Image != "" {
		from = "--image " + result.Image
	}
	fmt.Fprintf(out, "Next: bobctl pull %s --key NAME.pub\n", from)
	return nil
}
