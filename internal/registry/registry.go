// Package registry keeps Bills of Behavior in OCI registries: as artifacts of their own,
// attached to the image that they belong to, with their signatures stored as cosign
// does.
//
// Invariant: an answer of a registry is believed only as far as a digest proves it.
// Everything is read within limits, hashed, and parsed strictly; no name in an answer
// decides where a file is written. Package signature decides whether a digest is
// trusted.
package registry

import (
	"errors"

	"bobwatch/internal/signature"
	"bobwatch/internal/yamlfile"
)

// Media types of an artifact and its layers.
const (
	ArtifactType = "application/vnd.bobwatch.bob.v1"
	// DocumentType is a document as its author wrote it, in YAML or JSON.
	DocumentType = "application/vnd.bobwatch.bob.v1+yaml"
	// SignatureType is a signature of the document's canonical bytes, in any
	// form that package signature reads.
	SignatureType = "application/vnd.bobwatch.bob.signature.v1"
)

// Limits for reading from a registry.
const (
	maxManifestBytes = 1 << 20
	maxReferrers     = 256 // manifests attached to one image or artifact
	maxPages         = 32  // of a list
	maxSignatures    = 64  // of one artifact
	maxLayers        = 3   // the document, and two signatures
	maxDocumentBytes = yamlfile.MaxInputBytes
)

// Why something from a registry is refused.
var (
	// ErrTampered: the bytes are not those that their digest names.
	ErrTampered = errors.New("the registry delivered other bytes than the digest names")
	// ErrNotBoB: it is an artifact of another type, or a malformed one.
	ErrNotBoB = errors.New("is no Bill of Behavior")
	// ErrTooLarge: it exceeds a limit.
	ErrTooLarge = errors.New("is larger than allowed")
	// ErrUnsigned: nobody signed it, whether or not its document is signed.
	ErrUnsigned = errors.New("the artifact is not signed")
	// ErrMoved: a tag names another digest than the one that is wanted.
	ErrMoved = errors.New("names another artifact than the pinned one")
)

// ErrNotFound is returned for an artifact that a registry does not have.
var ErrNotFound = errors.New("not found")

// Content is the content of an artifact: a document as its author wrote it, and
// signatures of its canonical bytes.
type Content struct {
	Document   []byte
	Signatures [][]byte
}

// check keeps to the limits that Fetch will hold others to.
func (c *Content) check() error {
	if len(c.Document) > maxDocumentBytes {
		return ErrTooLarge
	}
	if len(c.Signatures) > maxLayers-1 {
		return errors.New("more than two signatures of the document")
	}
	for _, s := range c.Signatures {
		if len(s) > signature.MaxBytes {
			return ErrTooLarge
		}
	}
	return nil
}
