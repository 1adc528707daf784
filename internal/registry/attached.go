package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"bobwatch/internal/signature"
)

// The types of cosign's signatures.
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
// digest. It reads types from the manifests themselves: registries differ in the types
// in their lists, and anybody can write a list that is stored under a tag.
func (r *Repository) eachReferrer(ctx context.Context, subject string, f func(ocispec.Descriptor, []byte) error) error {
	referrers, err := r.referrers(ctx, subject)
	if err != nil {
		return err
	}
	for _, digest := range referrers {
		descriptor, text, err := r.fetchManifest(ctx, digest)
		if errors.Is(err, ErrNotFound) {
			continue // removed, but still in the list
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
// to a digest. A registry that does not answer the question as the OCI
// specification wants, with 404 where it knows none of it, is asked for the tag
// that holds the list where there is no such question.
func (r *Repository) referrers(ctx context.Context, subject string) ([]string, error) {
	d, err := digest.Parse(subject)
	if err != nil {
		return nil, err
	}
	found, err := r.list(ctx, d)
	if status := statusOf(err); status == http.StatusUnauthorized || status == http.StatusForbidden ||
		status == http.StatusTooManyRequests || status/100 != 4 && status/100 != 5 {
		return found, r.explain(err)
	}
	if unset := r.remote.SetReferrersCapability(false); unset != nil {
		return nil, r.explain(err) // it has answered before
	}
	tagged, tagErr := r.list(ctx, d)
	switch {
	case tagErr != nil:
		return nil, r.explain(errors.Join(err, tagErr))
	case len(tagged) == 0 && statusOf(err)/100 == 5:
		return nil, r.explain(err) // it may know of some, and not be able to say so
	}
	return tagged, nil
}

// statusOf returns the HTTP status of an error, 0 if it is of another kind.
func statusOf(err error) int {
	var response *errcode.ErrorResponse
	if !errors.As(err, &response) {
		return 0
	}
	return response.StatusCode
}

// list asks the registry once.
func (r *Repository) list(ctx context.Context, subject digest.Digest) ([]string, error) {
	var found []string
	err := r.remote.Referrers(ctx, ocispec.Descriptor{Digest: subject}, "", func(page []ocispec.Descriptor) error {
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
	return found, err
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
