package main

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	orascontent "oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"

	"bobwatch/internal/artifact"
	"bobwatch/internal/signature"
	"bobwatch/internal/testenv"
)

// vendor makes a workspace with the keys of a vendor and of a stranger, and
// without the credentials of whoever runs the test.
func vendor(t *testing.T) {
	t.Helper()
	workspace(t)
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	for _, name := range []string{"vendor", "stranger"} {
		key, err := signature.GenerateKey(signature.ECDSAP256)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key) // to encrypt it takes long
		if err != nil {
			t.Fatal(err)
		}
		public, err := signature.MarshalPublicKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
		writeFile(t, name+".pub", string(public))
	}
}

// registries starts both kinds of registries, and returns their hosts.
func registries(t *testing.T) map[string]string {
	t.Helper()
	handler := ggcr.New(ggcr.WithReferrersSupport(true), ggcr.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return map[string]string{
		"referrers by tag": testenv.NewRegistry(t).Host,
		"referrers by API": strings.TrimPrefix(server.URL, "http://"),
	}
}

func repository(t *testing.T, name string) *remote.Repository {
	t.Helper()
	r, err := remote.NewRepository(name)
	if err != nil {
		t.Fatal(err)
	}
	r.PlainHTTP, r.SkipReferrersGC = true, true
	return r
}

// upload stores a blob.
func upload(t *testing.T, r *remote.Repository, mediaType, text string) ocispec.Descriptor {
	t.Helper()
	d := orascontent.NewDescriptorFromBytes(mediaType, []byte(text))
	if err := r.Blobs().Push(t.Context(), d, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return d
}

// uploadManifest stores a manifest under a tag, or by its digest alone.
func uploadManifest(t *testing.T, r *remote.Repository, manifest any, mediaType, tag string) ocispec.Descriptor {
	t.Helper()
	text, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	d := orascontent.NewDescriptorFromBytes(mediaType, text)
	if tag == "" {
		err = r.Manifests().Push(t.Context(), d, bytes.NewReader(text))
	} else {
		err = r.Manifests().PushReference(t.Context(), d, bytes.NewReader(text), tag)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// pushImage stores a small image under a tag, and returns its digest.
func pushImage(t *testing.T, name, tag string) string {
	t.Helper()
	r := repository(t, name)
	config := upload(t, r, ocispec.MediaTypeImageConfig, `{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"author":"`+tag+`"}`)
	manifest := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: config, Layers: []ocispec.Descriptor{},
	}
	return uploadManifest(t, r, manifest, ocispec.MediaTypeImageManifest, tag).Digest.String()
}

// push publishes a file, signed by vendor.key, and returns the digest.
func push(t *testing.T, args ...string) string {
	t.Helper()
	return pushPlain(t, append(args, "--key", "vendor.key")...)
}

// pushPlain does so with the flags that are given, and no key but theirs.
func pushPlain(t *testing.T, args ...string) string {
	t.Helper()
	var result artifact.Pushed
	if err := json.Unmarshal([]byte(succeed(t, "", append([]string{"push", "-o", "json"}, args...)...)), &result); err != nil {
		t.Fatal(err)
	}
	return result.Digest
}

// refuse wants bobctl to exit with 3, to say text, and to write nothing.
func refuse(t *testing.T, text string, args ...string) {
	t.Helper()
	o := bobctl(t, "", append(args, "--out", "refused.yaml")...)
	if o.code != exitFound || !strings.Contains(o.err, text) {
		t.Errorf("bobctl %q: exit code %d and %q, want %d and %q", args, o.code, o.err, exitFound, text)
	}
	if _, err := os.Stat("refused.yaml"); err == nil {
		t.Errorf("bobctl %q wrote what it refused", args)
	}
}

func TestPushPull(t *testing.T) {
	for name, host := range registries(t) {
		t.Run(name, func(t *testing.T) {
			vendor(t)
			app := host + "/acme/webapp"
			image := pushImage(t, app, "1.4.2")
			digest := push(t, "webapp.yaml", "oci://"+app+":bob-1.4.2", "--image", app+":1.4.2")
			want := artifact.Pulled{
				Reference: app + "@" + digest, Digest: digest, Image: app + "@" + image,
				Document: "webapp", Version: "1.4.2", Verified: true, SignedBy: "vendor.pub",
				Files: []string{"got.yaml", "got.sigstore.json"},
			}
			for _, from := range [][]string{
				{"--image", app + "@" + image},
				{"--image", app + ":1.4.2", "--digest", digest},
				{"--image", app + ":1.4.2", "--name", "webapp"},
				{"oci://" + app + "@" + digest},
				{"oci://" + app + ":bob-1.4.2"},
				{"oci://" + app + ":bob-1.4.2", "--digest", digest},
				{"oci://" + app, "--digest", digest},
			} {
				args := append([]string{"pull", "--key", "vendor.pub", "--out", "got.yaml", "-o", "json"}, from...)
				var got artifact.Pulled
				if err := json.Unmarshal([]byte(succeed(t, "", args...)), &got); err != nil {
					t.Fatal(err)
				}
				want.DocumentDigest = got.DocumentDigest
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("pull %q (-want +got):\n%s", from, diff)
				}
				if diff := cmp.Diff(readFile(t, "webapp.yaml"), readFile(t, "got.yaml")); diff != "" {
					t.Errorf("pull %q (-pushed +pulled):\n%s", from, diff)
				}
				succeed(t, "", "verify", "got.yaml", "--key", "vendor.pub")
				for _, file := range want.Files {
					if err := os.Remove(file); err != nil {
						t.Error(err)
					}
				}
			}
			refuse(t, "ask its vendor for the right key", "pull", "--image", app+":1.4.2", "--key", "stranger.pub")
			refuse(t, "--image REF", "pull", "oci://"+app+":1.4.2", "--key", "vendor.pub")
			if o := bobctl(t, "", "pull", "oci://"+app+":none", "--key", "vendor.pub"); o.code != exitError || !strings.Contains(o.err, "its tags are: 1.4.2 bob-1.4.2\n") {
				t.Errorf("pull of a missing tag: exit code %d and %q", o.code, o.err)
			}
			pushImage(t, app, "bare")
			if o := bobctl(t, "", "pull", "--image", app+":bare", "--key", "vendor.pub"); o.code != exitError || !strings.Contains(o.err, "no Bill of Behavior is attached") {
				t.Errorf("pull of nothing: exit code %d and %q", o.code, o.err)
			}
		})
	}
}

// Where a pull writes to is not for the registry to decide.
func TestPullWrites(t *testing.T) {
	vendor(t)
	app := testenv.NewRegistry(t).Host + "/acme/webapp"
	push(t, "webapp.yaml", "oci://"+app+":1", "--image", app+"@"+pushImage(t, app, "image"))
	from := []string{"pull", "oci://" + app + ":1", "--key", "vendor.pub"}
	if o := bobctl(t, "", from...); o.code != exitError || !strings.Contains(o.err, "webapp.yaml exists") {
		t.Errorf("pull over a file: exit code %d and %q", o.code, o.err)
	}
	o := bobctl(t, "", append(from, "--out", "-")...)
	if o.code != 0 || o.out != readFile(t, "webapp.yaml") || !strings.Contains(o.err, "verified") {
		t.Errorf("pull to standard output: exit code %d and %q", o.code, o.err)
	}
	if err := os.Remove("webapp.yaml"); err != nil {
		t.Fatal(err)
	}
	succeed(t, "", from...)
	succeed(t, "", "verify", "webapp.yaml", "--key", "vendor.pub")
	writeFile(t, "evil.yaml", strings.Replace(readFile(t, "webapp.yaml"), "name: webapp,", "name: ../evil,", 1))
	push(t, "evil.yaml", "oci://"+app+":2")
	if o := bobctl(t, "", "pull", "oci://"+app+":2", "--key", "vendor.pub"); o.code != exitError || !strings.Contains(o.err, "--out") {
		t.Errorf("pull of a name that is a path: exit code %d and %q", o.code, o.err)
	}
	if _, err := os.Stat("../evil.yaml"); err == nil {
		t.Error("a pull wrote out of its directory")
	}
}

// What travels are the files beside the document where no key is given.
func TestPushSignedFiles(t *testing.T) {
	vendor(t)
	app := testenv.NewRegistry(t).Host + "/acme/webapp"
	succeed(t, "", "sign", "webapp.yaml", "--key", "vendor.key", "--signature", "webapp.yaml.sig", "--bundle", "webapp.sigstore.json")
	pushPlain(t, "webapp.yaml", "oci://"+app+":1")
	refuse(t, "cosign sign", "pull", "oci://"+app+":1", "--key", "vendor.pub")
	o := bobctl(t, "", "pull", "oci://"+app+":1", "--insecure-skip-verify", "--out", "got.yaml")
	if o.code != 0 || !strings.Contains(o.err, "nothing was verified") {
		t.Errorf("pull without verifying: exit code %d and %q", o.code, o.err)
	}
	for _, name := range []string{".yaml", ".yaml.sig", ".sigstore.json"} {
		if diff := cmp.Diff(readFile(t, "webapp"+name), readFile(t, "got"+name)); diff != "" {
			t.Errorf("%s (-pushed +pulled):\n%s", name, diff)
		}
	}
}

func TestPullChooses(t *testing.T) {
	for name, host := range registries(t) {
		t.Run(name, func(t *testing.T) {
			vendor(t)
			app := host + "/acme/webapp"
			image := app + "@" + pushImage(t, app, "1.4.2")
			push(t, "webapp.yaml", "oci://"+app, "--image", image)
			newest := push(t, "webapp.yaml", "oci://"+app, "--image", image)
			pushPlain(t, "webapp.yaml", "oci://"+app, "--image", image)
			pushPlain(t, "webapp.yaml", "oci://"+app, "--image", image, "--key", "stranger.key")
			pull := []string{"pull", "--image", image, "--key", "vendor.pub", "--out", "got.yaml"}
			if out := succeed(t, "", pull...); !strings.Contains(out, newest) {
				t.Errorf("pull did not take %s, the newest of the vendor's: %s", newest, out)
			}

			writeFile(t, "sidecar.yaml", strings.Replace(readFile(t, "webapp.yaml"), "name: webapp,", "name: sidecar,", 1))
			sidecar := push(t, "sidecar.yaml", "oci://"+app, "--image", image)
			o := bobctl(t, "", pull...)
			if o.code != exitError || !strings.Contains(o.err, sidecar) || !strings.Contains(o.err, newest) {
				t.Errorf("pull of one of two: exit code %d and %q", o.code, o.err)
			}
			if out := succeed(t, "", append(pull, "--name", "sidecar")...); !strings.Contains(out, sidecar) {
				t.Errorf("pull --name sidecar: %s", out)
			}
			if out := succeed(t, "", append(pull, "--digest", newest)...); !strings.Contains(out, newest) {
				t.Errorf("pull --digest %s: %s", newest, out)
			}
			if o := bobctl(t, "", append(pull, "--name", "blog")...); o.code != exitError || !strings.Contains(o.err, "sidecar") {
				t.Errorf("pull of none of two: exit code %d and %q", o.code, o.err)
			}
		})
	}
}

func TestTagAndInspect(t *testing.T) {
	for name, host := range registries(t) {
		t.Run(name, func(t *testing.T) {
			vendor(t)
			app := host + "/acme/webapp"
			image := pushImage(t, app, "1.4.2")
			digest := push(t, "webapp.yaml", "oci://"+app, "--image", app+":1.4.2")
			succeed(t, "", "tag", "oci://"+app+"@"+digest, "stable", "bob-1.4.2")
			succeed(t, "", "pull", "oci://"+app+":stable", "--key", "vendor.pub", "--out", "got.yaml")
			if o := bobctl(t, "", "tag", "oci://"+app+":stable", "1.4.2"); o.code != exitFound || !strings.Contains(o.err, "choose another tag") {
				t.Errorf("tag took an image's tag: exit code %d and %q", o.code, o.err)
			}

			var got artifact.Inspection
			out := succeed(t, "", "inspect", "--image", app+":1.4.2", "--key", "vendor.pub", "-o", "json")
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatal(err)
			}
			if got.Digest != digest || got.Image != app+"@"+image || len(got.Layers) != 2 || len(got.Signatures) != 2 || !*got.Verified {
				t.Errorf("inspect: %s", out)
			}
			out = succeed(t, "", "inspect", "oci://"+app+":stable")
			if strings.Count(out, "not verified; say whom to trust") != 2 {
				t.Errorf("inspect without a key: %s", out)
			}
			o := bobctl(t, "", "inspect", "oci://"+app+":stable", "--key", "stranger.pub")
			if o.code != exitFound || strings.Count(o.out, "refused: signer is not trusted") != 2 {
				t.Errorf("inspect with another key: exit code %d and %s", o.code, o.out)
			}
			pushPlain(t, "webapp-next.yaml", "oci://"+app+":next")
			o = bobctl(t, "", "inspect", "oci://"+app+":next", "--key", "vendor.pub")
			if o.code != exitFound || !strings.Contains(o.out, "the artifact is not signed") {
				t.Errorf("inspect of an unsigned one: exit code %d and %s", o.code, o.out)
			}
		})
	}
}

func TestRegistryUsage(t *testing.T) {
	const d = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	tests := map[string]struct {
		args []string
		err  string
	}{
		"push without target":      {[]string{"push", "webapp.yaml"}, "got 1"},
		"push to a file":           {[]string{"push", "webapp.yaml", "b.yaml"}, "begins with oci://"},
		"push without registry":    {[]string{"push", "webapp.yaml", "oci://acme/webapp:1"}, "registry.example/acme/webapp"},
		"push to a digest":         {[]string{"push", "webapp.yaml", "oci://r.example/a@" + d}, "name a tag"},
		"push to nowhere":          {[]string{"push", "webapp.yaml", "oci://r.example/a"}, "--image"},
		"push beside no image":     {[]string{"push", "webapp.yaml", "oci://r.example/a", "--image", "r.example/a"}, "by tag or digest"},
		"push to another place":    {[]string{"push", "webapp.yaml", "oci://r.example/bobs", "--image", "r.example/a:1"}, "push it to oci://r.example/a, or copy the image to r.example/bobs"},
		"push to another registry": {[]string{"push", "webapp.yaml", "oci://q.example/a", "--image", "r.example/a:1"}, "oci://r.example/a"},
		"pull trusting whom":       {[]string{"pull", "oci://r.example/a:1"}, "--insecure-skip-verify"},
		"pull trusting all":        {[]string{"pull", "oci://r.example/a:1", "--key", "k", "--insecure-skip-verify"}, "everybody"},
		"pull nothing":             {[]string{"pull", "--key", "k"}, "--image"},
		"pull two":                 {[]string{"pull", "--key", "k", "--image", "r.example/a:1", "oci://r.example/a:1"}, "either"},
		"pull by a short digest":   {[]string{"pull", "--key", "k", "--image", "r.example/a:1", "--digest", "sha256:00"}, "64 hex digits"},
		"pull a name of one":       {[]string{"pull", "--key", "k", "oci://r.example/a:1", "--name", "x"}, "--image REF"},
		"pull two to one place":    {[]string{"pull", "--key", "k", "oci://r.example/a:1", "--out", "-", "-o", "json"}, "standard output"},
		"tag without a tag":        {[]string{"tag", "oci://r.example/a:1"}, "TAG"},
		"tag a repository":         {[]string{"tag", "oci://r.example/a", "stable"}, "tag or digest"},
		"tag with a digest":        {[]string{"tag", "oci://r.example/a:1", d}, "letters, digits"},
		"tag like a registry":      {[]string{"tag", "oci://r.example/a:1", strings.Replace(d, ":", "-", 1) + ".sig"}, "attached"},
		"inspect a file":           {[]string{"inspect", "webapp.yaml"}, "oci://"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			workspace(t)
			if o := bobctl(t, "", tt.args...); o.code != exitUsage || !strings.Contains(o.err, tt.err) {
				t.Errorf("bobctl %q: exit code %d and %q, want %d and %q", tt.args, o.code, o.err, exitUsage, tt.err)
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	vendor(t)
	app := testenv.NewPrivateRegistry(t, "vendor", "correct horse").Host + "/acme/webapp"
	args := []string{"push", "webapp.yaml", "oci://" + app + ":1", "--key", "vendor.key"}
	if o := bobctl(t, "", args...); o.code != exitError || !strings.Contains(o.err, "docker login") {
		t.Errorf("push without credentials: exit code %d and %q", o.code, o.err)
	}
	host, _, _ := strings.Cut(app, "/")
	config := `{"auths":{"` + host + `":{"auth":"dmVuZG9yOmNvcnJlY3QgaG9yc2U="}}}` // vendor:correct horse
	writeFile(t, filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), config)
	succeed(t, "", args...)
	out := succeed(t, "", "pull", "oci://"+app+":1", "--key", "vendor.pub", "--out", "got.yaml")
	if strings.Contains(out, "correct horse") {
		t.Errorf("pull tells a secret: %s", out)
	}
}

// Another machine is spoken to by TLS unless told otherwise.
func TestPlainHTTP(t *testing.T) {
	vendor(t)
	o := bobctl(t, "", "pull", "oci://registry.invalid:5000/a:1", "--key", "vendor.pub")
	if o.code != exitError || !strings.Contains(o.err, "https://registry.invalid:5000/") {
		t.Errorf("exit code %d and %q", o.code, o.err)
	}
	o = bobctl(t, "", "pull", "oci://registry.invalid:5000/a:1", "--key", "vendor.pub", "--plain-http")
	if o.code != exitError || !strings.Contains(o.err, "http://registry.invalid:5000/") {
		t.Errorf("--plain-http: exit code %d and %q", o.code, o.err)
	}
}
