package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"bobwatch/internal/signature"
)

// What cosign stores signatures as.
const (
	bundleType      = "application/vnd.dev.sigstore.bundle.v0.3+json"
	bundlePrefix    = "application/vnd.dev.sigstore.bundle" // older versions name theirs otherwise
	payloadType     = "application/vnd.dev.cosign.simplesigning.v1+json"
	plainAnnotation = "dev.cosignproject.cosign/signature"

	bundleContentAnnotation   = "dev.sigstore.bundle.content"
	bundlePredicateAnnotation = "dev.sigstore.bundle.predicateType"
)

// Signature is a signature of an artifact, and the digest of the manifest that
// holds it.
type Signature struct {
	Digest string
	signature.ArtifactSignature
}

// Attached returns the Bills of Behavior whose subject is the image with the
// digest. Anything else that is attached to it is passed over.
func (r *Repository) Attached(ctx context.Context, image string) ([]*BoB, error) {
	var bobs []*BoB
	err := r.eachReferrer(ctx, image, func(descriptor ocispec.Descriptor, text []byte) error {
		b, err := parseManifest(descriptor, text)
		if err == nil && b.Image != nil && b.Image.Digest.String() == image {
			bobs = append(bobs, b)
		}
		if errors.Is(err, ErrNotBoB) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for what is attached to %s: %w", r.ref.With(image), err)
	}
	return bobs, nil
}

// Signatures returns the signatures of b in either form of cosign's.
func (r *Repository) Signatures(ctx context.Context, b *BoB) ([]Signature, error) {
	var found []Signature
	err := r.eachReferrer(ctx, b.Digest, func(descriptor ocispec.Descriptor, text []byte) error {
		s, err := r.bundle(ctx, descriptor, text)
		if s != nil {
			found = append(found, *s)
		}
		return err
	})
	if err == nil {
		var older []Signature
		older, err = r.payloads(ctx, b.Digest)
		found = append(found, older...)
	}
	if err == nil && len(found) > maxSignatures {
		err = fmt.Errorf("the number of signatures, %d, %w: the limit is %d", len(found), ErrTooLarge, maxSignatures)
	}
	if err != nil {
		return nil, fmt.Errorf("look for signatures of %s: %w", r.ref.With(b.Digest), err)
	}
	return found, nil
}

// eachReferrer calls f with the manifests that claim to be attached to a
// digest. Types are read from the manifests themselves: registries do not
// agree on what a list says of them, and anybody can write a list that a tag
// holds.
func (r *Repository) eachReferrer(ctx context.Context, subject string, f func(ocispec.Descriptor, []byte) error) error {
	referrers, err := r.referrers(ctx, subject)
	if err != nil {
		return err
	}
	for _, digest := range referrers {
		descriptor, text, err := r.fetchManifest(ctx, digest)
		if errors.Is(err, ErrNotFound) {
			continue // removed, and the list was not told
		}
		if err == nil {
			err = f(descriptor, text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// referrers returns the digests of manifests that a registry lists as attached
// to a digest.
func (r *Repository) referrers(ctx context.Context, subject string) ([]string, error) {
	d, err := digest.Parse(subject)
	if err != nil {
		return nil, err
	}
	var found []string
	err = r.remote.Referrers(ctx, ocispec.Descriptor{Digest: d}, "", func(page []ocispec.Descriptor) error {
		for _, referrer := range page {
			digest := referrer.Digest.String()
			if referrer.MediaType != ocispec.MediaTypeImageManifest || slices.Contains(found, digest) {
				continue
			}
			if err := referrer.Digest.Validate(); err != nil {
				return err
			}
			if found = append(found, digest); len(found) > maxReferrers {
				return fmt.Errorf("what is attached to it %w: the limit is %d manifests", ErrTooLarge, maxReferrers)
			}
		}
		return nil
	})
	if err != nil {
		return nil, r.explain(err)
	}
	return found, nil
}

// bundle returns the signature in a manifest, or nil if it holds none.
func (r *Repository) bundle(ctx context.Context, descriptor ocispec.Descriptor, text []byte) (*Signature, error) {
	var m ocispec.Manifest
	if json.Unmarshal(text, &m) != nil || len(m.Layers) != 1 || !strings.HasPrefix(m.Layers[0].MediaType, bundlePrefix) {
		return nil, nil
	}
	data, err := r.fetchSmall(ctx, m.Layers[0])
	if err != nil {
		return nil, err
	}
	return &Signature{
		Digest:            descriptor.Digest.String(),
		ArtifactSignature: signature.ArtifactSignature{Bundle: data},
	}, nil
}

// payloads returns the signatures that cosign 2 puts under a tag of their own.
func (r *Repository) payloads(ctx context.Context, subject string) ([]Signature, error) {
	descriptor, text, err := r.fetchManifest(ctx, strings.Replace(subject, ":", "-", 1)+".sig")
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("parse manifest: %w", err)
	}
	var found []Signature
	for _, layer := range m.Layers {
		if layer.MediaType != payloadType {
			continue
		}
		if len(found) == maxSignatures {
			break
		}
		payload, err := r.fetchSmall(ctx, layer)
		if err != nil {
			return nil, err
		}
		found = append(found, Signature{
			Digest: descriptor.Digest.String(),
			ArtifactSignature: signature.ArtifactSignature{
				Payload: payload,
				Plain:   []byte(layer.Annotations[plainAnnotation]),
			},
		})
	}
	return found, nil
}

// fetchSmall returns a blob of the size that signatures have.
func (r *Repository) fetchSmall(ctx context.Context, d ocispec.Descriptor) ([]byte, error) {
	if err := d.Digest.Validate(); err != nil {
		return nil, err
	}
	if d.Size < 0 || d.Size > signature.MaxBytes {
		return nil, fmt.Errorf("a signature of %d bytes %w: the limit is %d bytes", d.Size, ErrTooLarge, signature.MaxBytes)
	}
	return r.fetchBlob(ctx, d)
}
