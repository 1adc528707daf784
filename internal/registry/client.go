package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/errcode"
	"oras.land/oras-go/v2/registry/remote/retry"
)

// Options say how to talk to a registry. The zero value does for most.
type Options struct {
	// PlainHTTP does without TLS also where the registry is not on loopback.
	PlainHTTP bool
	// Progress, if set, is called for each transfer of a document, and returns
	// the writer that counts its bytes.
	Progress func(what string, bytes int64) io.WriteCloser
}

// Repository is a repository in a registry. It is not safe for concurrent use.
type Repository struct {
	ref      Reference
	remote   *remote.Repository
	progress func(what string, bytes int64) io.WriteCloser
}

// Open prepares to use the repository of a reference, with the credentials in
// docker's configuration. Nothing is sent yet.
func Open(ref Reference, o Options) (*Repository, error) {
	store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return nil, fmt.Errorf("read docker's credentials: %w", err)
	}
	client := &auth.Client{
		Client:     retry.DefaultClient,
		Cache:      auth.NewCache(),
		Credential: credentials.Credential(store),
	}
	client.SetUserAgent("bobctl")
	r := &remote.Repository{
		Reference:            ref.ref,
		Client:               client,
		PlainHTTP:            o.PlainHTTP || loopback(ref.ref.Registry),
		TagListMaxPages:      maxPages,
		ReferrerListMaxPages: maxPages,
		// Many registries do not allow deletion. The leftovers are small.
		SkipReferrersGC: true,
	}
	r.Reference.Reference = ""
	return &Repository{ref: ref.With(""), remote: r, progress: o.Progress}, nil
}

// At returns a reference to a tag or digest in the repository.
func (r *Repository) At(tagOrDigest string) Reference { return r.ref.With(tagOrDigest) }

// Tags returns the tags of the repository, without the tags under which registries keep
// artifacts that are attached to a digest.
func (r *Repository) Tags(ctx context.Context) ([]string, error) {
	var tags []string
	err := r.remote.Tags(ctx, "", func(page []string) error {
		for _, tag := range page {
			if CheckTag(tag) == nil {
				tags = append(tags, tag)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list tags of %s: %w", r.ref, r.explain(err))
	}
	slices.Sort(tags)
	return tags, nil
}

// Resolve returns the descriptor of an image, whose manifest is not read.
func (r *Repository) Resolve(ctx context.Context, image Reference) (ocispec.Descriptor, error) {
	d, err := r.remote.Resolve(ctx, image.ref.Reference)
	if err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("resolve %s: %w", image, r.explain(err))
	}
	if err := d.Digest.Validate(); err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("resolve %s: %w", image, err)
	}
	return ocispec.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}, nil
}

// explain adds the meaning of an error of the registry for the user.
func (r *Repository) explain(err error) error {
	var response *errcode.ErrorResponse
	switch {
	case errors.Is(err, errdef.ErrNotFound):
		return ErrNotFound
	case errors.Is(err, auth.ErrBasicCredentialNotFound),
		errors.As(err, &response) && (response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden):
		return fmt.Errorf("%w; log in by docker login %s, or ask for the right to it", err, r.ref.ref.Registry)
	}
	return err
}
