package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
)

func TestParse(t *testing.T) {
	const d = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	tests := map[string]struct {
		repository, tag, digest string
		err                     bool
	}{
		"r.example/acme/webapp:1":           {repository: "r.example/acme/webapp", tag: "1"},
		"oci://r.example/webapp@" + d:       {repository: "r.example/webapp", digest: d},
		"r.example/webapp:1@" + d:           {repository: "r.example/webapp", digest: d},
		"localhost/webapp":                  {repository: "localhost/webapp"},
		"[::1]:5000/webapp:1":               {repository: "[::1]:5000/webapp", tag: "1"},
		"acme/webapp:1":                     {err: true}, // no registry
		"webapp":                            {err: true},
		"oci://":                            {err: true},
		"r.example/Webapp":                  {err: true},
		"r.example/webapp:a b":              {err: true},
		"r.example/webapp@sha256:00":        {err: true},
		"r.example/../webapp":               {err: true},
		"user@r.example/webapp":             {err: true},
		"r.example/webapp\n:1":              {err: true},
		"docker://r.example/webapp":         {err: true},
		"oci://oci://r.example/webapp":      {err: true},
		"r.example/webapp@md5:" + d[7:7+32]: {err: true},
	}
	for text, tt := range tests {
		t.Run(text, func(t *testing.T) {
			got, err := Parse(text)
			if (err != nil) != tt.err {
				t.Fatalf("Parse = %v, want an error %t", err, tt.err)
			}
			if err != nil {
				return
			}
			if got.Repository() != tt.repository || got.Tag() != tt.tag || got.Digest() != tt.digest {
				t.Errorf("Parse = %q, %q, %q", got.Repository(), got.Tag(), got.Digest())
			}
		})
	}
}

func TestLoopback(t *testing.T) {
	tests := map[string]bool{
		"localhost": true, "localhost:5000": true, "127.0.0.1:5000": true, "127.1.2.3": true, "[::1]:5000": true, "[::1]": true,
		"localhost.example": false, "127.0.0.1.example": false, "10.0.0.1:5000": false, "r.example:5000": false, "[::2]:5000": false,
	}
	for host, want := range tests {
		if got := loopback(host); got != want {
			t.Errorf("loopback(%q) = %t", host, got)
		}
	}
}

func TestCheckTag(t *testing.T) {
	sum := strings.Repeat("0", 64)
	tests := map[string]bool{
		"stable": true, "1.4.2": true, "sha256": true, "sha256-" + sum[:63]: true,
		"": false, "a b": false, ".a": false, strings.Repeat("a", 129): false,
		"sha256-" + sum: false, "sha256-" + sum + ".sig": false, "sha256-" + sum + ".att": false, "sha512-" + sum + sum: false,
	}
	for tag, want := range tests {
		if got := CheckTag(tag) == nil; got != want {
			t.Errorf("CheckTag(%q) is good = %t", tag, got)
		}
	}
}

// hostile is a registry that answers as it likes.
func hostile(t *testing.T, answer http.HandlerFunc) *Repository {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	ref, err := Parse(strings.TrimPrefix(server.URL, "http://") + "/webapp")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(ref, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// anyBoB is a Bill of Behavior whose layers need not exist.
func anyBoB(t testing.TB, document ocispec.Descriptor) *BoB {
	t.Helper()
	text, err := json.Marshal(manifest(Description{Name: "webapp"}, []ocispec.Descriptor{document}))
	if err != nil {
		t.Fatal(err)
	}
	b, err := parseManifest(content.NewDescriptorFromBytes(ocispec.MediaTypeImageManifest, text), text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Registries that answer the question for what is attached with an error have a
// tag with the list, or nothing is attached; where neither can be told, it is
// an error.
func TestReferrersUnanswered(t *testing.T) {
	subject := digest.FromString("image")
	attached := content.NewDescriptorFromBytes(ocispec.MediaTypeImageManifest, []byte("{}"))
	index, err := json.Marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{attached}})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		status int
		tagged bool
		want   []string
		err    bool
	}{
		"405 and a tag": {405, true, []string{attached.Digest.String()}, false},
		"405 alone":     {405, false, nil, false},
		"400 and a tag": {400, true, []string{attached.Digest.String()}, false},
		"501 and a tag": {501, true, []string{attached.Digest.String()}, false},
		"501 alone":     {501, false, nil, true},
		"403":           {403, true, nil, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := hostile(t, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case strings.Contains(r.URL.Path, "/referrers/"):
					w.WriteHeader(tt.status)
				case tt.tagged && strings.HasSuffix(r.URL.Path, "/manifests/"+strings.Replace(subject.String(), ":", "-", 1)):
					w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
					w.Header().Set("Docker-Content-Digest", digest.FromBytes(index).String())
					w.Header().Set("Content-Length", fmt.Sprint(len(index)))
					_, _ = w.Write(index) // a test that lost its client fails anyway
				default:
					w.WriteHeader(http.StatusNotFound)
				}
			})
			got, err := r.referrers(t.Context(), subject.String())
			if (err != nil) != tt.err || !slices.Equal(got, tt.want) {
				t.Errorf("referrers = %v, %v, want %v, an error %t", got, err, tt.want, tt.err)
			}
		})
	}
}

// A list of what is attached has an end, whatever the registry says.
func TestReferrersAreBounded(t *testing.T) {
	subject := digest.FromString("image").String()
	tests := map[string]struct {
		answer http.HandlerFunc
		want   error // nil for any
	}{
		"pages without end": {want: errdef.ErrTooManyPages, answer: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
			w.Header().Set("Link", `<`+r.URL.Path+`?more>; rel="next"`)
			fmt.Fprint(w, `{"schemaVersion":2,"manifests":[]}`)
		}},
		"entries without end": {want: ErrTooLarge, answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
			var index ocispec.Index
			for i := range 10 * maxReferrers {
				d := content.NewDescriptorFromBytes(ocispec.MediaTypeImageManifest, fmt.Append(nil, i))
				index.Manifests = append(index.Manifests, d)
			}
			if err := json.NewEncoder(w).Encode(index); err != nil {
				t.Error(err)
			}
		}},
		"bytes without end": {answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
			fmt.Fprint(w, `{"schemaVersion":2,"manifests":[`)
			for range 64 {
				if _, err := w.Write(bytes.Repeat([]byte(" "), 1<<20)); err != nil {
					return
				}
			}
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			requests := 0
			r := hostile(t, func(w http.ResponseWriter, r *http.Request) {
				requests++
				tt.answer(w, r)
			})
			if found, err := r.Attached(t.Context(), subject); err == nil || !errors.Is(err, tt.want) && tt.want != nil {
				t.Errorf("Attached = %v, %v, want %v", found, err, tt.want)
			}
			if requests > maxPages+1 {
				t.Errorf("%d requests", requests)
			}
		})
	}
}

// What a registry says of its answer does not count, its bytes do.
func TestFetchBelievesBytesOnly(t *testing.T) {
	good := []byte("apiVersion: bobwatch/v1alpha1\n")
	wanted := content.NewDescriptorFromBytes(DocumentType, good)
	tests := map[string]struct {
		answer []byte
		want   error
	}{
		"the document":  {answer: good},
		"other bytes":   {answer: bytes.ToUpper(good), want: ErrTampered},
		"fewer bytes":   {answer: good[:10], want: ErrTampered},
		"more bytes":    {answer: append(good, '#'), want: ErrTampered},
		"none at all":   {want: ErrTampered},
		"far more than": {answer: bytes.Repeat(good, 1<<16), want: ErrTampered},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := hostile(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Docker-Content-Digest", wanted.Digest.String())
				w.Header().Set("Content-Type", ocispec.MediaTypeImageManifest)
				w.Header().Set("Content-Length", fmt.Sprint(len(tt.answer)))
				_, _ = w.Write(tt.answer)
			})
			c, err := r.Fetch(t.Context(), anyBoB(t, wanted))
			if !errors.Is(err, tt.want) || err == nil && !bytes.Equal(c.Document, good) {
				t.Errorf("Fetch = %v, want %v", err, tt.want)
			}
			if tt.want == nil {
				return
			}
			_, err = r.Find(t.Context(), r.At(wanted.Digest.String()))
			if !errors.Is(err, ErrTampered) && !errors.Is(err, ErrTooLarge) {
				t.Errorf("Find = %v, want %v", err, ErrTampered)
			}
		})
	}
}

func TestParseManifestRefuses(t *testing.T) {
	document := content.NewDescriptorFromBytes(DocumentType, []byte("document"))
	signature := content.NewDescriptorFromBytes(SignatureType, []byte("signature"))
	tests := map[string]struct {
		change func(*ocispec.Manifest)
		want   error
	}{
		"nothing":          {func(*ocispec.Manifest) {}, nil},
		"two signatures":   {func(m *ocispec.Manifest) { m.Layers = append(m.Layers, signature, signature) }, nil},
		"three signatures": {func(m *ocispec.Manifest) { m.Layers = append(m.Layers, signature, signature, signature) }, ErrNotBoB},
		"two documents":    {func(m *ocispec.Manifest) { m.Layers = append(m.Layers, document) }, ErrNotBoB},
		"signature first":  {func(m *ocispec.Manifest) { m.Layers = []ocispec.Descriptor{signature, document} }, ErrNotBoB},
		"no layers":        {func(m *ocispec.Manifest) { m.Layers = nil }, ErrNotBoB},
		"another type":     {func(m *ocispec.Manifest) { m.ArtifactType = "x/y" }, ErrNotBoB},
		"an index":         {func(m *ocispec.Manifest) { m.MediaType = ocispec.MediaTypeImageIndex }, ErrNotBoB},
		"huge":             {func(m *ocispec.Manifest) { m.Layers[0].Size = maxDocumentBytes + 1 }, ErrTooLarge},
		"less than empty":  {func(m *ocispec.Manifest) { m.Layers[0].Size = -1 }, ErrTooLarge},
		"no digest":        {func(m *ocispec.Manifest) { m.Layers[0].Digest = "sha256:../../x" }, ErrNotBoB},
		"no image":         {func(m *ocispec.Manifest) { m.Subject = &ocispec.Descriptor{Digest: "latest"} }, ErrNotBoB},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := manifest(Description{Name: "webapp"}, []ocispec.Descriptor{document})
			tt.change(&m)
			text, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			_, err = parseManifest(content.NewDescriptorFromBytes(ocispec.MediaTypeImageManifest, text), text)
			if !errors.Is(err, tt.want) {
				t.Errorf("parseManifest = %v, want %v", err, tt.want)
			}
		})
	}
}

// FuzzParseManifest holds that what passes as a Bill of Behavior keeps to the
// limits that fetching relies on.
func FuzzParseManifest(f *testing.F) {
	layers := []ocispec.Descriptor{
		content.NewDescriptorFromBytes(DocumentType, []byte("document")),
		content.NewDescriptorFromBytes(SignatureType, []byte("signature")),
	}
	image := content.NewDescriptorFromBytes(ocispec.MediaTypeImageManifest, []byte("image"))
	text, err := json.Marshal(manifest(Description{Name: "webapp", Version: "1", Image: &image}, layers))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := parseManifest(content.NewDescriptorFromBytes(ocispec.MediaTypeImageManifest, text), text)
		if err != nil {
			if !errors.Is(err, ErrNotBoB) && !errors.Is(err, ErrTooLarge) {
				t.Errorf("parseManifest = %v", err)
			}
			return
		}
		for _, layer := range append(b.signatures, b.document) {
			if layer.Size < 0 || layer.Size > maxDocumentBytes || layer.Digest.Validate() != nil {
				t.Errorf("layer %v", layer)
			}
		}
	})
}

// FuzzParse holds that a reference that is read can be written and read again.
func FuzzParse(f *testing.F) {
	f.Add("oci://r.example:5000/acme/webapp:1.4.2")
	f.Add("r.example/webapp@sha256:0000000000000000000000000000000000000000000000000000000000000000")
	f.Fuzz(func(t *testing.T, text string) {
		ref, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(ref.String())
		if err != nil || again != ref {
			t.Errorf("Parse(%q) = %v, and again %v, %v", text, ref, again, err)
		}
	})
}
