// Package artifact finds documents in registries as a command line names them, chooses
// among those that a trusted signer vouches for, and advises the user if there is none.
package artifact

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"bobwatch/internal/registry"
	"bobwatch/internal/signature"
	"bobwatch/internal/term"
)

// Location says where in a registry a document is: by its own reference, or as
// attached to an image.
type Location struct {
	Terminal  *term.Terminal
	Image     string
	digest    string
	PlainHTTP bool
}

// Register registers the flags that say where the document is.
func (l *Location) Register(flags *pflag.FlagSet) {
	flags.StringVar(&l.Image, "image", "", "use the documents that are attached to the image `REF`")
	flags.StringVar(&l.digest, "digest", "", "refuse any artifact except the one with the `DIGEST` sha256:...")
}

// Reference is the one argument of a command that names an artifact.
func (l *Location) Reference(args []string) error {
	switch {
	case l.digest != "" && registry.CheckDigest(l.digest) != nil:
		return term.Usagef("--digest %s: want sha256: and 64 hex digits", term.Word(l.digest))
	case l.Image == "" && len(args) != 1:
		return term.Usagef("name one reference oci://REGISTRY/REPOSITORY:TAG, or an image by --image")
	case l.Image != "" && len(args) > 0:
		return term.Usagef("give either a reference or --image")
	case l.Image == "":
		_, err := ParseOCI(args[0])
		return err
	}
	return nil
}

// ParseOCI reads a reference that has to begin with oci://.
func ParseOCI(text string) (registry.Reference, error) {
	if !strings.HasPrefix(text, registry.Scheme) {
		return registry.Reference{}, term.Usagef("%s: a reference begins with %s", term.Word(text), registry.Scheme)
	}
	ref, err := registry.Parse(text)
	if err != nil {
		return registry.Reference{}, term.UsageError(err.Error())
	}
	return ref, nil
}

// ParseImage reads the reference of an image.
func ParseImage(text string) (registry.Reference, error) {
	ref, err := registry.Parse(text)
	if err == nil && ref.Empty() {
		err = fmt.Errorf("%s: name the image by tag or digest", term.Word(text))
	}
	if err != nil {
		return registry.Reference{}, term.UsageError("--image: " + err.Error())
	}
	return ref, nil
}

// open prepares to use the repository of ref.
func (l *Location) open(ref registry.Reference) (*registry.Repository, error) {
	return registry.Open(ref, registry.Options{PlainHTTP: l.PlainHTTP, Progress: l.Terminal.Progress()})
}

// Find returns the repository and the artifacts in it that a command line
// names: one, or all that are attached to the image.
func (l *Location) Find(ctx context.Context, args []string) (*registry.Repository, []*registry.BoB, error) {
	var ref registry.Reference
	var err error
	if l.Image != "" {
		ref, err = ParseImage(l.Image)
	} else {
		ref, err = ParseOCI(args[0])
	}
	if err != nil {
		return nil, nil, err
	}
	repository, err := l.open(ref)
	if err != nil {
		return nil, nil, err
	}
	var found []*registry.BoB
	if l.Image != "" {
		found, err = l.attached(ctx, repository, ref)
	} else {
		found, err = l.named(ctx, repository, ref)
	}
	if err != nil {
		return nil, nil, Advise(err)
	}
	return repository, found, nil
}

// named returns the artifact that a reference names.
func (l *Location) named(ctx context.Context, repository *registry.Repository, ref registry.Reference) ([]*registry.BoB, error) {
	if ref.Empty() && l.digest != "" {
		ref = ref.With(l.digest)
	}
	if ref.Empty() {
		return nil, term.Usagef("%s: name a tag or a digest%s", ref, tagsOf(ctx, repository))
	}
	b, err := repository.Find(ctx, ref)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return nil, fmt.Errorf("%w%s", err, tagsOf(ctx, repository))
	case err != nil:
		return nil, err
	case l.digest != "" && b.Digest != l.digest:
		return nil, fmt.Errorf("%s %w: it is %s", ref, registry.ErrMoved, b.Digest)
	}
	return []*registry.BoB{b}, nil
}

// attached returns the documents that are attached to an image.
func (l *Location) attached(ctx context.Context, repository *registry.Repository, image registry.Reference) ([]*registry.BoB, error) {
	digest := image.Digest()
	if digest == "" {
		d, err := repository.Resolve(ctx, image)
		if err != nil {
			return nil, err
		}
		digest = d.Digest.String()
		fmt.Fprintf(l.Terminal.Err, "%s is %s\n", image, digest)
	}
	found, err := repository.Attached(ctx, digest)
	if err != nil {
		return nil, err
	}
	if l.digest != "" {
		found = slices.DeleteFunc(found, func(b *registry.BoB) bool { return b.Digest != l.digest })
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no Bill of Behavior%s is attached to %s; ask its vendor, or, if the image is for several platforms, name the digest of their index",
			withDigest(l.digest), image.With(digest))
	}
	return found, nil
}

func withDigest(digest string) string {
	if digest == "" {
		return ""
	}
	return " with the digest " + term.Word(digest)
}

// tagsOf lists the tags of a repository for an error about a reference.
func tagsOf(ctx context.Context, repository *registry.Repository) string {
	const most = 20
	tags, err := repository.Tags(ctx)
	switch {
	case err != nil || len(tags) == 0:
		return ""
	case len(tags) > most:
		return fmt.Sprintf("; of %d tags the last are: %s", len(tags), term.JoinWords(tags[len(tags)-most:]))
	}
	return "; its tags are: " + term.JoinWords(tags)
}

// vouched says who signed an artifact as cosign does.
func vouched(ctx context.Context, repository *registry.Repository, b *registry.BoB, v *signature.Verifier) (signature.Trust, error) {
	signatures, err := repository.Signatures(ctx, b)
	if err != nil {
		return signature.Trust{}, err
	}
	var errs []error
	for _, s := range signatures {
		trust, err := v.VerifyArtifact(b.Digest, s.ArtifactSignature)
		if err == nil {
			return trust, nil
		}
		errs = append(errs, err)
	}
	if len(errs) == 0 {
		errs = []error{registry.ErrUnsigned}
	}
	return signature.Trust{}, errors.Join(errs...)
}

// Advise adds to an error what to do about it.
func Advise(err error) error {
	var advice string
	switch {
	case errors.Is(err, registry.ErrTampered):
		advice = "do not use it: somebody changed what the registry stores; tell who runs it, or pull from another registry"
	case errors.Is(err, registry.ErrMoved):
		advice = "the tag was moved: keep to the pinned digest by @DIGEST instead of the tag, or verify what is new and pin that"
	case errors.Is(err, registry.ErrTooLarge):
		advice = "do not use it: no document needs that much; ask its vendor"
	case errors.Is(err, registry.ErrNotBoB):
		advice = "if it is an image, take what is attached to it: --image REF; else ask its vendor for the right reference"
	case errors.Is(err, signature.ErrUntrusted):
		advice = "do not use it unless you know who signed it; ask its vendor for the right key"
	case errors.Is(err, signature.ErrSignature):
		advice = "do not use it: it was changed after signing, or the key is another one; ask its vendor"
	case errors.Is(err, registry.ErrUnsigned):
		advice = "ask its vendor to sign it (bobctl push --key, or cosign sign), or take it unverified by --insecure-skip-verify"
	default:
		return err
	}
	return fmt.Errorf("%w; %s", err, advice)
}
