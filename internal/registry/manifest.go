package registry

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"bobwatch/internal/signature"
)

// BoB is a Bill of Behavior in a repository, as its manifest describes it. Its fields are
// as trustworthy as Digest is.
type BoB struct {
	Digest  string // of the manifest
	Name    string // of the document
	Version string
	Created time.Time // zero if the manifest does not say
	// Image is the image that the document belongs to; nil if it names none.
	Image *ocispec.Descriptor

	Manifest   ocispec.Manifest
	descriptor ocispec.Descriptor // of the manifest
	document   ocispec.Descriptor
	signatures []ocispec.Descriptor
}

// manifest returns the manifest of an artifact with the layers.
func manifest(d Description, layers []ocispec.Descriptor) ocispec.Manifest {
	annotations := map[string]string{
		ocispec.AnnotationTitle:   d.Name,
		ocispec.AnnotationCreated: d.Created.UTC().Format(time.RFC3339Nano),
	}
	if d.Version != "" {
		annotations[ocispec.AnnotationVersion] = d.Version
	}
	return ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: ArtifactType,
		Config:       ocispec.DescriptorEmptyJSON,
		Layers:       layers,
		Subject:      d.Image,
		Annotations:  annotations,
	}
}

// parseManifest reads the manifest with the descriptor. Its errors wrap
// ErrNotBoB or ErrTooLarge.
func parseManifest(descriptor ocispec.Descriptor, text []byte) (*BoB, error) {
	b := BoB{Digest: descriptor.Digest.String(), descriptor: descriptor}
	if err := json.Unmarshal(text, &b.Manifest); err != nil {
		return nil, fmt.Errorf("%w: parse manifest: %w", ErrNotBoB, err)
	}
	m := &b.Manifest
	switch {
	case m.MediaType != ocispec.MediaTypeImageManifest || m.ArtifactType != ArtifactType:
		return nil, fmt.Errorf("%w: it is of type %q", ErrNotBoB, kind(m))
	case descriptor.Digest.Algorithm() != digest.SHA256:
		return nil, fmt.Errorf("%w: its digest is not a SHA-256", ErrNotBoB)
	case len(m.Layers) == 0 || len(m.Layers) > maxLayers:
		return nil, fmt.Errorf("%w: it has %d layers", ErrNotBoB, len(m.Layers))
	}
	if err := b.takeLayers(); err != nil {
		return nil, err
	}
	if m.Subject != nil {
		if err := m.Subject.Digest.Validate(); err != nil {
			return nil, fmt.Errorf("%w: subject: %w", ErrNotBoB, err)
		}
		b.Image = m.Subject
	}
	b.Name, b.Version = m.Annotations[ocispec.AnnotationTitle], m.Annotations[ocispec.AnnotationVersion]
	if created, err := time.Parse(time.RFC3339Nano, m.Annotations[ocispec.AnnotationCreated]); err == nil {
		b.Created = created
	}
	return &b, nil
}

// takeLayers wants the document first, and then signatures of it only.
func (b *BoB) takeLayers() error {
	for i, layer := range b.Manifest.Layers {
		want, limit := SignatureType, int64(signature.MaxBytes)
		if i == 0 {
			want, limit = DocumentType, maxDocumentBytes
		}
		if layer.MediaType != want {
			return fmt.Errorf("%w: layer %d is of type %q", ErrNotBoB, i, layer.MediaType)
		}
		if err := layer.Digest.Validate(); err != nil {
			return fmt.Errorf("%w: layer %d: %w", ErrNotBoB, i, err)
		}
		if layer.Size < 0 || layer.Size > limit {
			return fmt.Errorf("layer %d, of %d bytes, %w: the limit is %d bytes", i, layer.Size, ErrTooLarge, limit)
		}
	}
	b.document, b.signatures = b.Manifest.Layers[0], b.Manifest.Layers[1:]
	return nil
}

// kind returns the most specific type that a manifest has.
func kind(m *ocispec.Manifest) string {
	switch {
	case m.ArtifactType != "":
		return m.ArtifactType
	case m.Config.MediaType != "":
		return m.Config.MediaType
	}
	return m.MediaType
}
