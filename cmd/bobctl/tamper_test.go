package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote"

	"bobwatch/internal/registry"
	"bobwatch/internal/signing"
	"bobwatch/internal/term"
	"bobwatch/internal/testenv"
)

// stored returns the file in which a registry stores a blob or manifest.
func stored(r *testenv.Registry, d string) string {
	sum := digest.Digest(d).Encoded()
	return filepath.Join(r.Dir, "docker/registry/v2/blobs/sha256", sum[:2], sum, "data")
}

// alter replaces a text in what a registry stores.
func alter(t *testing.T, r *testenv.Registry, d, old, with string) {
	t.Helper()
	text := readFile(t, stored(r, d))
	if !strings.Contains(text, old) {
		t.Fatalf("%s has no %q: %s", d, old, text)
	}
	writeFile(t, stored(r, d), strings.Replace(text, old, with, 1))
}

// shipped is a signed document in a registry, attached to an image.
type shipped struct {
	registry *testenv.Registry
	name     string // of the repository
	image    string // digest
	digest   string
	manifest ocispec.Manifest
}

func (p *shipped) repository(t *testing.T) *remote.Repository { return repository(t, p.name) }

func (p *shipped) ref(tagOrDigest string) string {
	if strings.Contains(tagOrDigest, ":") {
		return p.name + "@" + tagOrDigest
	}
	return p.name + ":" + tagOrDigest
}

func publish(t *testing.T) *shipped {
	t.Helper()
	vendor(t)
	p := &shipped{registry: testenv.NewRegistry(t)}
	p.name = p.registry.Host + "/acme/webapp"
	p.image = pushImage(t, p.name, "1.4.2")
	p.digest = push(t, "webapp.yaml", "oci://"+p.ref("stable"), "--image", p.ref("1.4.2"))
	if err := json.Unmarshal([]byte(readFile(t, stored(p.registry, p.digest))), &p.manifest); err != nil {
		t.Fatal(err)
	}
	return p
}

// Whatever somebody does who can write to the registry, a pull refuses, and
// says what to do.
func TestPullRefuses(t *testing.T) {
	tests := map[string]struct {
		tamper func(*testing.T, *shipped)
		args   []string // besides the reference by tag
		err    string
	}{
		"document changed": {
			tamper: func(t *testing.T, p *shipped) {
				alter(t, p.registry, p.manifest.Layers[0].Digest.String(), "/etc/*", "/***/*")
			},
			err: "other bytes than the digest names; do not use it",
		},
		"document cut": {
			tamper: func(t *testing.T, p *shipped) {
				alter(t, p.registry, p.manifest.Layers[0].Digest.String(), "/etc/*", "/*")
			},
			err: "other bytes than the digest names; do not use it",
		},
		"signature of the document changed": {
			tamper: func(t *testing.T, p *shipped) {
				alter(t, p.registry, p.manifest.Layers[1].Digest.String(), `"signature":"M`, `"signature":"N`)
			},
			err: "other bytes than the digest names; do not use it",
		},
		"manifest changed": {
			tamper: func(t *testing.T, p *shipped) {
				alter(t, p.registry, p.digest, `"org.opencontainers.image.version":"1.4.2"`, `"org.opencontainers.image.version":"1.4.3"`)
			},
			err: "not signed", // under the tag lies something new
		},
		"manifest changed, by digest": {
			tamper: func(t *testing.T, p *shipped) {
				alter(t, p.registry, p.digest, `"org.opencontainers.image.version":"1.4.2"`, `"org.opencontainers.image.version":"1.4.3"`)
			},
			args: []string{"--digest"},
			err:  "names another artifact than the pinned one",
		},
		"signatures removed": {
			tamper: func(t *testing.T, p *shipped) {
				d, err := p.repository(t).Resolve(t.Context(), strings.Replace(p.digest, ":", "-", 1))
				if err != nil {
					t.Fatal(err)
				}
				if err := p.repository(t).Manifests().Delete(t.Context(), d); err != nil {
					t.Fatal(err)
				}
			},
			err: "not signed; ask its vendor to sign it",
		},
		"signed by a stranger": {
			tamper: func(t *testing.T, p *shipped) {
				pushPlain(t, "webapp.yaml", "oci://"+p.ref("stable"), "--image", p.ref("1.4.2"), "--key", "stranger.key")
			},
			err: "ask its vendor for the right key",
		},
		"unsigned": {
			tamper: func(t *testing.T, p *shipped) { pushPlain(t, "webapp.yaml", "oci://"+p.ref("stable")) },
			err:    "not signed; ask its vendor to sign it",
		},
		"tag moved to another of the vendor's": {
			tamper: func(t *testing.T, p *shipped) { push(t, "webapp-next.yaml", "oci://"+p.ref("stable")) },
			args:   []string{"--digest"},
			err:    "the tag was moved",
		},
		"tag moved to the image": {
			tamper: func(t *testing.T, p *shipped) { pushImage(t, p.name, "stable") },
			err:    "is no Bill of Behavior",
		},
		"document larger than allowed": {
			tamper: func(t *testing.T, p *shipped) {
				m := p.manifest
				m.Layers = []ocispec.Descriptor{m.Layers[0]}
				m.Layers[0].Size = 1 << 30
				uploadManifest(t, p.repository(t), m, m.MediaType, "stable")
			},
			err: "is larger than allowed",
		},
		"manifest larger than allowed": {
			tamper: func(t *testing.T, p *shipped) {
				m := p.manifest
				m.Annotations = map[string]string{"x": strings.Repeat("x", 2<<20)}
				uploadManifest(t, p.repository(t), m, m.MediaType, "stable")
			},
			err: "is larger than allowed",
		},
		"artifact of another kind": {
			tamper: func(t *testing.T, p *shipped) {
				m := p.manifest
				m.ArtifactType = "application/vnd.example.chart"
				uploadManifest(t, p.repository(t), m, m.MediaType, "stable")
			},
			err: `it is of type "application/vnd.example.chart"`,
		},
		"something else in a layer": {
			tamper: func(t *testing.T, p *shipped) {
				text := strings.Repeat("x", 100)
				p.repush(t, upload(t, p.repository(t), registry.DocumentType, text))
			},
			err: "is no Bill of Behavior",
		},
		"another document in a signed manifest": {
			tamper: func(t *testing.T, p *shipped) {
				text := strings.Replace(readFile(t, "webapp.yaml"), "name: webapp,", "name: blog,", 1)
				p.repush(t, upload(t, p.repository(t), registry.DocumentType, text))
			},
			err: "its document is called blog, and not webapp",
		},
		"document's own signature of another document": {
			tamper: func(t *testing.T, p *shipped) {
				text := strings.Replace(readFile(t, "webapp.yaml"), "/etc/*", "/etc/x", 1)
				p.repush(t, upload(t, p.repository(t), registry.DocumentType, text), p.manifest.Layers[1])
			},
			err: "the document's own signature: signature does not verify",
		},
		"signature moved to another artifact": {
			tamper: func(t *testing.T, p *shipped) {
				bundle := p.signature(t)
				digest := pushPlain(t, "webapp-next.yaml", "oci://"+p.ref("stable"))
				d, err := p.repository(t).Resolve(t.Context(), digest)
				if err != nil {
					t.Fatal(err)
				}
				bundle.Subject = &d
				uploadManifest(t, p.repository(t), bundle, bundle.MediaType, "")
			},
			err: "made for another artifact",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := publish(t)
			args := []string{"pull", "oci://" + p.ref("stable"), "--key", "vendor.pub"}
			succeed(t, "", append(args, "--out", "good.yaml")...)
			tt.tamper(t, p)
			for _, arg := range tt.args {
				args = append(args, arg, p.digest)
			}
			refuse(t, tt.err, args...)
		})
	}
}

// signature returns the manifest that holds the artifact's signature.
func (p *shipped) signature(t *testing.T) ocispec.Manifest {
	t.Helper()
	found, err := p.repository(t).Predecessors(t.Context(), ocispec.Descriptor{Digest: digest.Digest(p.digest)})
	if err != nil || len(found) != 1 {
		t.Fatalf("found %d signatures, %v", len(found), err)
	}
	var m ocispec.Manifest
	if err := json.Unmarshal([]byte(readFile(t, stored(p.registry, found[0].Digest.String()))), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// repush lets the vendor publish a manifest with other layers, and sign it.
func (p *shipped) repush(t *testing.T, layers ...ocispec.Descriptor) {
	t.Helper()
	m := p.manifest
	m.Layers = layers
	d := uploadManifest(t, p.repository(t), m, m.MediaType, "stable")
	signArtifact(t, p.name, "vendor.key", d)
}

// A document of one image does not pass for that of another one, neither when
// a list says so, nor when a manifest says so that nobody signed.
func TestPullOfAnotherImage(t *testing.T) {
	p := publish(t)
	other := pushImage(t, p.name, "2.0")
	d, err := p.repository(t).Resolve(t.Context(), p.digest)
	if err != nil {
		t.Fatal(err)
	}
	index := ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex,
		Manifests: []ocispec.Descriptor{d},
	}
	uploadManifest(t, p.repository(t), index, index.MediaType, strings.Replace(other, ":", "-", 1))
	pull := []string{"pull", "--image", p.ref(other), "--key", "vendor.pub", "--out", "got.yaml"}
	if o := bobctl(t, "", pull...); o.code != exitError || !strings.Contains(o.err, "no Bill of Behavior is attached") {
		t.Errorf("listed for another image: exit code %d and %q", o.code, o.err)
	}
	m := p.manifest
	image, err := p.repository(t).Resolve(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	m.Subject = &image
	uploadManifest(t, p.repository(t), m, m.MediaType, "")
	refuse(t, "not signed", pull[:len(pull)-2]...)
	if _, err := os.Stat("got.yaml"); err == nil {
		t.Error("something was written")
	}
}

// signArtifact signs a manifest as cosign does.
func signArtifact(t *testing.T, name, key string, d ocispec.Descriptor) {
	t.Helper()
	terminal := &term.Terminal{Err: &bytes.Buffer{}}
	signer, err := signing.PrivateKey(terminal, key)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := registry.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := registry.Open(ref, registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Find(t.Context(), ref.With(d.Digest.String()))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Sign(t.Context(), b, signer); err != nil {
		t.Fatal(err)
	}
}
