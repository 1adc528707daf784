package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/crypto/x509roots/fallback/bundle"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
)

// writeImage writes the image of all platforms as one OCI layout in a tar file,
// with the content that the Dockerfile gives it.
func (r *release) writeImage(built programs) error {
	return r.writeLayout("bobwatch_"+r.version+"_image.tar", func(store *oci.Storage) (ocispec.Descriptor, error) {
		index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
		for _, on := range r.platforms {
			d, err := r.pushImage(store, built, on)
			if err != nil {
				return ocispec.Descriptor{}, err
			}
			index.Manifests = append(index.Manifests, d)
		}
		index.Annotations = r.annotations()
		return pushJSON(store, ocispec.MediaTypeImageIndex, index)
	})
}

func (r *release) pushImage(store *oci.Storage, built programs, on platform) (ocispec.Descriptor, error) {
	files, err := built.files(on)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	files = append(files, file{"etc/ssl/certs/ca-certificates.crt", 0o644, rootCertificates()})
	plain, err := r.tarred(files, false)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	small, err := r.tarred(files, true)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	layer, err := push(store, ocispec.MediaTypeImageLayerGzip, small)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	config, err := pushJSON(store, ocispec.MediaTypeImageConfig, ocispec.Image{
		Created:  &r.time,
		Platform: ocispec.Platform{OS: on.os, Architecture: on.arch},
		// As in the Dockerfile, which says why there is no user.
		Config:  ocispec.ImageConfig{Entrypoint: []string{"/agent"}, Labels: r.annotations()},
		RootFS:  ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromBytes(plain)}},
		History: []ocispec.History{{Created: &r.time, CreatedBy: "bobwatch release " + r.version}},
	})
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	d, err := pushJSON(store, ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: config, Layers: []ocispec.Descriptor{layer},
	})
	d.Platform = &ocispec.Platform{OS: on.os, Architecture: on.arch}
	return d, err
}

func (r *release) annotations() map[string]string {
	return map[string]string{
		ocispec.AnnotationTitle:       "bobwatch",
		ocispec.AnnotationDescription: summary,
		ocispec.AnnotationVersion:     r.version,
		ocispec.AnnotationRevision:    r.commit,
		ocispec.AnnotationSource:      r.home,
		ocispec.AnnotationLicenses:    "Apache-2.0",
		ocispec.AnnotationCreated:     r.time.Format("2006-01-02T15:04:05Z"),
	}
}

// rootCertificates returns the roots that Mozilla trusts, as PEM. They come with
// a Go module, so that they do not depend on the machine that builds.
func rootCertificates() []byte {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil { // a PEM file cannot say a constraint
			_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})
		}
	}
	return b.Bytes()
}

// writeLayout fills an OCI layout, tags its root with the version, and packs it
// into a tar file.
func (r *release) writeLayout(name string, fill func(*oci.Storage) (ocispec.Descriptor, error)) error {
	dir, err := os.MkdirTemp("", "bobwatch-layout-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	store, err := oci.NewStorage(dir)
	if err != nil {
		return err
	}
	root, err := fill(store)
	if err != nil {
		return err
	}
	// A store of oras would list the images of the platforms beside their index.
	root.Annotations = map[string]string{ocispec.AnnotationRefName: r.version}
	for name, v := range map[string]any{
		ocispec.ImageIndexFile: ocispec.Index{
			Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex,
			Manifests: []ocispec.Descriptor{root},
		},
		ocispec.ImageLayoutFile: ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion},
	} {
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	files, err := filesBelow(dir)
	if err != nil {
		return err
	}
	return r.writeArchive(name, files)
}

// filesBelow returns the files of a folder, by name.
func filesBelow(dir string) ([]file, error) {
	var files []file
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		files = append(files, file{filepath.ToSlash(name), 0o644, data})
		return err
	})
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	return files, err
}

func push(store *oci.Storage, mediaType string, data []byte) (ocispec.Descriptor, error) {
	d := content.NewDescriptorFromBytes(mediaType, data)
	exists, err := store.Exists(context.Background(), d)
	if err != nil || exists {
		return d, err
	}
	return d, store.Push(context.Background(), d, bytes.NewReader(data))
}

func pushJSON(store *oci.Storage, mediaType string, v any) (ocispec.Descriptor, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return push(store, mediaType, data)
}
