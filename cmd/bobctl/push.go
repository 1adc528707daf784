package main

import (
	"context"
	"crypto"
	"fmt"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"bobwatch/internal/artifact"
	"bobwatch/internal/docfile"
	"bobwatch/internal/profile"
	"bobwatch/internal/registry"
	"bobwatch/internal/signature"
	"bobwatch/internal/term"
)

type pushOptions struct {
	terminal  *term.Terminal
	format    term.Format
	image     string
	key       string
	plainHTTP bool
}

func newPushCommand(t *term.Terminal) *cobra.Command {
	o := pushOptions{terminal: t}
	c := &cobra.Command{
		Use:   "push FILE oci://REGISTRY/REPOSITORY[:TAG] [--image REF] [--key KEY]",
		Short: "Publish a document in a registry, beside its image",
		Long: `Publish a document in a registry. With --image it is attached to the image, in
the same repository, so that everybody who has the image finds it.

--key signs both: the document, for the agent, and in cosign's way the artifact,
which names the image. Without --key, bobctl publishes the signatures beside
FILE, and cosign sign can sign the artifact afterwards. bobctl asks for the
passphrase of the key, or takes it from COSIGN_PASSWORD; it uses the credentials
of docker login.`,
		Example: `  bobctl push webapp.yaml oci://registry.example/acme/webapp --image registry.example/acme/webapp:1.4.2 --key vendor.key
  bobctl push webapp.yaml oci://registry.example/acme/bobs:webapp-1.4.2 --key vendor.key`,
		Args:              func(_ *cobra.Command, args []string) error { return o.check(args) },
		ValidArgsFunction: completePush,
		RunE:              func(c *cobra.Command, args []string) error { return runPush(c.Context(), o, args[0], args[1]) },
	}
	registerFormat(c, &o.format)
	c.Flags().StringVar(&o.image, "image", "", "attach it to the image `REF`")
	c.Flags().StringVar(&o.key, "key", "", "sign it with the private key in `FILE`")
	registerPlainHTTP(c.Flags(), &o.plainHTTP)
	return c
}

// completePush offers files, and then how a reference begins.
func completePush(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return []string{registry.Scheme}, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}

func (o *pushOptions) check(args []string) error {
	if len(args) != 2 {
		return term.Usagef("want FILE and oci://REGISTRY/REPOSITORY, got %d arguments", len(args))
	}
	target, err := artifact.ParseOCI(args[1])
	switch {
	case err != nil:
		return err
	case target.Digest() != "":
		return term.Usagef("%s: the digest is what a push results in; name a tag", target)
	case o.image == "" && target.Tag() == "":
		return term.Usagef("%s: name a tag, or by --image the image that it belongs to", target)
	case o.image == "":
		return nil
	}
	image, err := artifact.ParseImage(o.image)
	if err == nil && image.Repository() != target.Repository() {
		return term.Usagef("a document lies in the repository of its image: push it to oci://%s, or copy the image to %s first",
			image.Repository(), target.Repository())
	}
	return err
}

// pushed is the form of a result for machines.
type pushed struct {
	Reference string `json:"reference"`
	Digest    string `json:"digest"`
	Tag       string `json:"tag,omitempty"`
	Document  string `json:"document"`
	Image     string `json:"image,omitempty"` // with its digest
	Signed    bool   `json:"signed"`
}

func runPush(ctx context.Context, o pushOptions, path, to string) error {
	target, err := artifact.ParseOCI(to)
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
	repository, err := registry.Open(target, registry.Options{PlainHTTP: o.plainHTTP, Progress: o.terminal.Progress()})
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

// content reads the document, and without a key the signatures beside it.
func (o *pushOptions) content(path string) (*registry.Content, *profile.Profile, error) {
	data, err := docfile.Read(o.terminal.In, path)
	if err != nil {
		return nil, nil, err
	}
	p, err := docfile.Only(path, data)
	if err != nil {
		return nil, nil, err
	}
	if err := refuseSecrets(p); err != nil {
		return nil, nil, err
	}
	content := &registry.Content{Document: data}
	if o.key != "" || path == docfile.Stdin {
		return content, p, nil
	}
	for _, beside := range docfile.Existing(docfile.SignaturePaths(path)) {
		s, err := docfile.Read(o.terminal.In, beside)
		if err != nil {
			return nil, nil, err
		}
		content.Signatures = append(content.Signatures, s)
	}
	return content, p, nil
}

// sign signs the document, and returns the key for the artifact.
func (o *pushOptions) sign(p *profile.Profile, content *registry.Content) (crypto.Signer, error) {
	if o.key == "" {
		return nil, nil
	}
	key, err := privateKey(o.terminal, o.key)
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
	remarkOn(o.terminal, p)
	return key, nil
}

// resolve returns the image to attach to, if there is one.
func (o *pushOptions) resolve(ctx context.Context, repository *registry.Repository) (*ocispec.Descriptor, error) {
	if o.image == "" {
		return nil, nil
	}
	ref, err := artifact.ParseImage(o.image)
	if err != nil {
		return nil, err
	}
	image, err := repository.Resolve(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("%w; push the image first", err)
	}
	return &image, nil
}

func (o *pushOptions) report(target registry.Reference, b *registry.BoB, p *profile.Profile) error {
	result := pushed{
		Reference: target.With(b.Digest).String(), Digest: b.Digest, Tag: target.Tag(),
		Document: p.Metadata.Name, Signed: o.key != "",
	}
	if b.Image != nil {
		result.Image = target.With(b.Image.Digest.String()).String()
	}
	if o.format != term.Table {
		return o.format.Encode(o.terminal.Out, result)
	}
	out := o.terminal.Out
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
