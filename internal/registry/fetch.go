package registry

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
)

// Find returns the Bill of Behavior that a reference names.
func (r *Repository) Find(ctx context.Context, ref Reference) (*BoB, error) {
	descriptor, text, err := r.fetchManifest(ctx, ref.ref.Reference)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", ref, err)
	}
	b, err := parseManifest(descriptor, text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ref, err)
	}
	return b, nil
}

// Fetch returns the content of b.
func (r *Repository) Fetch(ctx context.Context, b *BoB) (*Content, error) {
	document, err := r.fetchBlob(ctx, b.document)
	if err != nil {
		return nil, fmt.Errorf("fetch document of %s: %w", r.ref.With(b.Digest), err)
	}
	c := &Content{Document: document}
	for _, layer := range b.signatures {
		s, err := r.fetchBlob(ctx, layer)
		if err != nil {
			return nil, fmt.Errorf("fetch signature of %s: %w", r.ref.With(b.Digest), err)
		}
		c.Signatures = append(c.Signatures, s)
	}
	return c, nil
}

// fetchManifest returns the manifest with a tag or digest. It computes the descriptor
// itself, and never takes the registry's.
func (r *Repository) fetchManifest(ctx context.Context, reference string) (ocispec.Descriptor, []byte, error) {
	said, body, err := r.remote.Manifests().FetchReference(ctx, reference)
	if err != nil {
		return ocispec.Descriptor{}, nil, r.explain(err)
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxManifestBytes+1))
	if err != nil {
		return ocispec.Descriptor{}, nil, err
	}
	if len(text) > maxManifestBytes {
		return ocispec.Descriptor{}, nil, fmt.Errorf("manifest %w: the limit is %d bytes", ErrTooLarge, maxManifestBytes)
	}
	wanted, err := digest.Parse(reference)
	if err != nil { // a tag
		wanted = digest.FromBytes(text)
	}
	if wanted.Algorithm().FromBytes(text) != wanted {
		return ocispec.Descriptor{}, nil, ErrTampered
	}
	return ocispec.Descriptor{MediaType: said.MediaType, Digest: wanted, Size: int64(len(text))}, text, nil
}

// fetchBlob returns the blob with a descriptor, whose size the caller has
// checked.
func (r *Repository) fetchBlob(ctx context.Context, d ocispec.Descriptor) ([]byte, error) {
	said, body, err := r.remote.Blobs().FetchReference(ctx, d.Digest.String())
	if err != nil {
		return nil, r.explain(err)
	}
	defer body.Close()
	if said.Size != d.Size {
		return nil, ErrTampered
	}
	var source io.Reader = body
	if r.progress != nil {
		count := r.progress("pull", d.Size)
		defer count.Close()
		source = io.TeeReader(body, count)
	}
	data, err := content.ReadAll(source, d)
	if errors.Is(err, content.ErrMismatchedDigest) || errors.Is(err, content.ErrTrailingData) {
		return nil, ErrTampered
	}
	return data, err
}
