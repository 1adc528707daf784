package registry

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/opencontainers/go-digest"
	"oras.land/oras-go/v2/registry"
)

// Scheme begins the references to Bills of Behavior on a command line.
const Scheme = "oci://"

// Reference names a repository, and by tag or digest an artifact in it.
type Reference struct {
	ref registry.Reference
}

// Parse reads REGISTRY/REPOSITORY, with :TAG or @DIGEST or neither, with or
// without Scheme in front. Of both tag and digest only the digest counts.
func Parse(text string) (Reference, error) {
	bare := strings.TrimPrefix(text, Scheme)
	ref, err := registry.ParseReference(bare)
	if err != nil {
		return Reference{}, fmt.Errorf("parse reference %q: %w", text, err)
	}
	if ref.Registry != "localhost" && !strings.ContainsAny(ref.Registry, ".:") {
		return Reference{}, fmt.Errorf("parse reference %q: it names no registry: write it out, such as registry.example/%s", text, bare)
	}
	return Reference{ref: ref}, nil
}

// String returns the reference without Scheme.
func (r Reference) String() string { return r.ref.String() }

// Repository returns the reference without tag and digest.
func (r Reference) Repository() string { return r.ref.Registry + "/" + r.ref.Repository }

// Empty reports whether the reference has neither tag nor digest.
func (r Reference) Empty() bool { return r.ref.Reference == "" }

// Tag returns the tag, if the reference has one.
func (r Reference) Tag() string {
	if r.Digest() != "" {
		return ""
	}
	return r.ref.Reference
}

// Digest returns the digest, if the reference has one.
func (r Reference) Digest() string {
	if _, err := r.ref.Digest(); err != nil {
		return ""
	}
	return r.ref.Reference
}

// With returns a reference to a tag or digest in the same repository.
func (r Reference) With(tagOrDigest string) Reference {
	r.ref.Reference = tagOrDigest
	return r
}

// CheckTag refuses tags that no registry accepts, and tags under which attached artifacts
// are kept.
func CheckTag(tag string) error {
	if err := (registry.Reference{Reference: tag}).ValidateReferenceAsTag(); err != nil {
		return fmt.Errorf("tag %q: want at most 128 letters, digits, dots, dashes and underscores", tag)
	}
	if internalTag.MatchString(tag) {
		return fmt.Errorf("tag %q: registries keep what is attached to a digest under such names", tag)
	}
	return nil
}

// CheckDigest refuses a text that is not the digest of a manifest.
func CheckDigest(text string) error {
	if d, err := digest.Parse(text); err != nil || d.Algorithm() != digest.SHA256 {
		return fmt.Errorf("%q is not a SHA-256 digest", text)
	}
	return nil
}

// internalTag matches the tags under which attached manifests are kept: the
// index of the OCI specification, and those of cosign.
var internalTag = regexp.MustCompile(`^sha(256|512)-[0-9a-f]{64,}(\.[a-z]+)?$`)

// loopback reports whether a registry runs on this machine.
func loopback(host string) bool {
	if address, err := netip.ParseAddrPort(host); err == nil {
		return address.Addr().IsLoopback()
	}
	if address, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return address.IsLoopback()
	}
	name, _, _ := strings.Cut(host, ":")
	return name == "localhost"
}
