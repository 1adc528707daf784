package artifact

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bobwatch/internal/docfile"
	"bobwatch/internal/profile"
	"bobwatch/internal/registry"
	"bobwatch/internal/signature"
	"bobwatch/internal/term"
)

// Candidate is an artifact and who vouches for it.
type Candidate struct {
	Bob   *registry.BoB
	Trust signature.Trust
}

// ImageOf names the image that an artifact belongs to, empty if there is none.
func ImageOf(repository *registry.Repository, b *registry.BoB) string {
	if b.Image == nil {
		return ""
	}
	return repository.At(b.Image.Digest.String()).String()
}

// Choose returns the one artifact to take: of those that are vouched for, the
// newest, if all are of the same name.
func Choose(ctx context.Context, repository *registry.Repository, found []*registry.BoB, name string, v *signature.Verifier) (*Candidate, error) {
	var good []Candidate
	var errs []error
	for _, b := range found {
		if name != "" && b.Name != name {
			continue
		}
		c := Candidate{Bob: b}
		if v != nil {
			var err error
			if c.Trust, err = vouched(ctx, repository, b, v); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", repository.At(b.Digest), Advise(err)))
				continue
			}
		}
		good = append(good, c)
	}
	switch {
	case len(good) == 0 && len(errs) == 0:
		return nil, fmt.Errorf("no document of the image is called %s; there are:%s", term.Word(name), listed(found))
	case len(good) == 0:
		return nil, errors.Join(errs...)
	}
	// The newest first.
	slices.SortStableFunc(good, func(a, b Candidate) int { return b.Bob.Created.Compare(a.Bob.Created) })
	for _, other := range good[1:] {
		if other.Bob.Name != good[0].Bob.Name || other.Bob.Created.Equal(good[0].Bob.Created) {
			var all []*registry.BoB
			for _, c := range good {
				all = append(all, c.Bob)
			}
			return nil, fmt.Errorf("the image has several documents; choose by --name or --digest:%s", listed(all))
		}
	}
	return &good[0], nil
}

// listed lists artifacts, a line each.
func listed(all []*registry.BoB) string {
	var b strings.Builder
	for _, bob := range all {
		fmt.Fprintf(&b, "\n  %s %s %s", term.Word(bob.Name), cmp.Or(term.Printable(bob.Version), "-"), bob.Digest)
	}
	return b.String()
}

// Document parses a fetched document, and returns its canonical bytes too. It refuses
// every document that the agent would refuse.
func Document(b *registry.BoB, content *registry.Content, v *signature.Verifier) (*profile.Profile, []byte, error) {
	p, err := docfile.Only("document", content.Document)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", registry.ErrNotBoB, err)
	}
	if p.Metadata.Name != b.Name {
		return nil, nil, fmt.Errorf("%w: its document is called %s, and not %s", registry.ErrNotBoB, term.Word(p.Metadata.Name), term.Word(b.Name))
	}
	canonical, err := p.Canonical()
	if err != nil {
		return nil, nil, err
	}
	if v != nil && len(content.Signatures) > 0 {
		if _, err := v.Verify(signature.Document{Canonical: canonical, Signatures: content.Signatures}); err != nil {
			return nil, nil, fmt.Errorf("the document's own signature: %w", err)
		}
	}
	return p, canonical, nil
}
