package registry

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"

	"bobwatch/internal/signature"
)

// Description holds the statements of the manifest about the content.
type Description struct {
	Name    string // of the document
	Version string
	Created time.Time
	Image   *ocispec.Descriptor // in the same repository; may be nil
}

// Push stores content without a tag. With an image it can be found from now on
// as attached to it.
func (r *Repository) Push(ctx context.Context, c Content, d Description) (*BoB, error) {
	layers, err := r.pushContent(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("push to %s: %w", r.ref, r.explain(err))
	}
	descriptor, text, err := r.pushManifest(ctx, manifest(d, layers))
	if err != nil {
		return nil, fmt.Errorf("push to %s: %w", r.ref, r.explain(err))
	}
	return parseManifest(descriptor, text)
}

// Sign signs b as cosign does, and stores the signature next to it.
func (r *Repository) Sign(ctx context.Context, b *BoB, key crypto.Signer) error {
	bundle, err := signature.SignArtifact(key, b.Digest)
	if err != nil {
		return err
	}
	layer, err := r.pushBlob(ctx, bundleType, bundle)
	if err == nil {
		_, _, err = r.pushManifest(ctx, ocispec.Manifest{
			Versioned:    specs.Versioned{SchemaVersion: 2},
			MediaType:    ocispec.MediaTypeImageManifest,
			ArtifactType: bundleType,
			Config:       ocispec.DescriptorEmptyJSON,
			Layers:       []ocispec.Descriptor{layer},
			Subject:      &b.descriptor,
			Annotations: map[string]string{
				ocispec.AnnotationCreated: b.Created.UTC().Format(time.RFC3339),
				bundleContentAnnotation:   "dsse-envelope",
				bundlePredicateAnnotation: signature.ArtifactPredicate,
			},
		})
	}
	if err != nil {
		return fmt.Errorf("push signature of %s: %w", r.ref.With(b.Digest), err)
	}
	return nil
}

// Tag lets a tag name b. It refuses to take a tag away from an image or another
// kind of artifact.
func (r *Repository) Tag(ctx context.Context, b *BoB, tag string) error {
	if err := r.CanTag(ctx, tag); err != nil {
		return err
	}
	if err := r.remote.Tag(ctx, b.descriptor, tag); err != nil {
		return fmt.Errorf("tag %s: %w", r.ref.With(tag), r.explain(err))
	}
	return nil
}

// CanTag reports why a tag cannot name a Bill of Behavior; nil if it can.
func (r *Repository) CanTag(ctx context.Context, tag string) error {
	if err := CheckTag(tag); err != nil {
		return err
	}
	_, err := r.Find(ctx, r.ref.With(tag))
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

func (r *Repository) pushContent(ctx context.Context, c Content) ([]ocispec.Descriptor, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	document, err := r.pushBlob(ctx, DocumentType, c.Document)
	if err != nil {
		return nil, err
	}
	layers := []ocispec.Descriptor{document}
	for _, s := range c.Signatures {
		layer, err := r.pushBlob(ctx, SignatureType, s)
		if err != nil {
			return nil, err
		}
		layers = append(layers, layer)
	}
	return layers, nil
}

// pushManifest stores a manifest, whose config has to be the empty one.
func (r *Repository) pushManifest(ctx context.Context, m ocispec.Manifest) (ocispec.Descriptor, []byte, error) {
	config := ocispec.DescriptorEmptyJSON
	if _, err := r.pushBlob(ctx, config.MediaType, config.Data); err != nil {
		return ocispec.Descriptor{}, nil, err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return ocispec.Descriptor{}, nil, err
	}
	d := content.NewDescriptorFromBytes(m.MediaType, text)
	return d, text, r.remote.Manifests().Push(ctx, d, bytes.NewReader(text))
}

// pushBlob stores a blob unless the repository has it.
func (r *Repository) pushBlob(ctx context.Context, mediaType string, data []byte) (ocispec.Descriptor, error) {
	d := content.NewDescriptorFromBytes(mediaType, data)
	has, err := r.remote.Blobs().Exists(ctx, d)
	if err != nil || has {
		return d, err
	}
	if r.progress == nil {
		return d, r.remote.Blobs().Push(ctx, d, bytes.NewReader(data))
	}
	count := r.progress("push", d.Size)
	defer count.Close()
	return d, r.remote.Blobs().Push(ctx, d, io.TeeReader(bytes.NewReader(data), count))
}
