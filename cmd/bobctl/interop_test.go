package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"bobwatch/internal/registry"
	"bobwatch/internal/testenv"
)

// cosign runs a real cosign in the current directory. signing.json and
// root.json say that there is no log and no network.
type cosign struct {
	binary string
	verify []string // flags with which it reads signatures of the newer form
	sign   map[string][]string
}

// cosigns are the versions to get along with, by the forms they sign in.
var cosigns = map[string]cosign{
	"v3": {sign: map[string][]string{
		"newer form": {"--signing-config", "signing.json"},
		"older form": {"--use-signing-config=false", "--tlog-upload=false", "--new-bundle-format=false"},
	}},
	"v2": {
		verify: []string{"--new-bundle-format", "--trusted-root", "root.json"},
		sign: map[string][]string{
			"newer form": {"--new-bundle-format", "--signing-config", "signing.json"},
			"older form": {"--tlog-upload=false"},
		},
	},
}

// newCosign finds the cosign and prepares the files that it wants.
func newCosign(t *testing.T, version string) cosign {
	t.Helper()
	c := cosigns[version]
	c.binary = testenv.Cosign(t, version)
	vendor(t)
	t.Setenv("HOME", t.TempDir())
	keys(t, "cosign")
	c.must(t, "signing-config", "create", "--out", "signing.json")
	c.must(t, "trusted-root", "create", "--out", "root.json")
	return c
}

func (c *cosign) must(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(c.binary, args...).CombinedOutput(); err != nil {
		t.Fatalf("cosign %q: %v: %s", args, err, out)
	}
}

func TestCosignVerifiesPushed(t *testing.T) {
	for version := range cosigns {
		t.Run(version, func(t *testing.T) {
			c := newCosign(t, version)
			for name, host := range registries(t) {
				app := host + "/acme/webapp"
				image := pushImage(t, app, "1.4.2")
				digest := push(t, "webapp.yaml", "oci://"+app, "--image", app+"@"+image)
				verify := append([]string{"verify", "--insecure-ignore-tlog", "--allow-http-registry"}, c.verify...)
				c.must(t, append(verify, "--key", "vendor.pub", app+"@"+digest)...)
				if err := exec.Command(c.binary, append(verify, "--key", "stranger.pub", app+"@"+digest)...).Run(); err == nil {
					t.Errorf("%s: cosign verified with another key", name)
				}
				if err := exec.Command(c.binary, append(verify, "--key", "vendor.pub", app+"@"+image)...).Run(); err == nil {
					t.Errorf("%s: cosign took the signature of the document for one of the image", name)
				}
			}
		})
	}
}

func TestPullVerifiesCosigns(t *testing.T) {
	for version := range cosigns {
		t.Run(version, func(t *testing.T) {
			c := newCosign(t, version)
			for name, host := range registries(t) {
				for form, flags := range c.sign {
					app := host + "/acme/" + strings.ReplaceAll(form, " ", "-")
					image := pushImage(t, app, "1.4.2")
					digest := pushPlain(t, "webapp.yaml", "oci://"+app, "--image", app+"@"+image)
					refuse(t, "not signed", "pull", "--image", app+"@"+image, "--key", "cosign.pub")
					sign := append([]string{"sign", "-y", "--key", "cosign.key", "--allow-http-registry"}, flags...)
					c.must(t, append(sign, app+"@"+digest)...)
					o := bobctl(t, "", "pull", "--image", app+"@"+image, "--key", "cosign.pub", "--out", "got.yaml")
					if o.code != 0 || !strings.Contains(o.out, digest) {
						t.Errorf("%s, %s: exit code %d and %q", name, form, o.code, o.err)
					}
					refuse(t, "do not use it", "pull", "--image", app+"@"+image, "--key", "vendor.pub")
				}
			}
		})
	}
}

// Another client copies what was pushed: artifacts as they are, and the lists
// of what is attached by their tags.
func TestSkopeoCopies(t *testing.T) {
	skopeo := testenv.Command(t, "skopeo")
	p := publish(t)
	mirror := testenv.NewRegistry(t).Host + "/mirror/webapp"
	tags := []string{"1.4.2", "stable", strings.Replace(p.image, ":", "-", 1), strings.Replace(p.digest, ":", "-", 1)}
	for _, tag := range tags {
		layout := "oci:" + t.TempDir() + ":copy"
		for _, step := range [][]string{{"docker://" + p.ref(tag), layout}, {layout, "docker://" + mirror + ":" + tag}} {
			args := append([]string{"copy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false"}, step...)
			if out, err := exec.Command(skopeo, args...).CombinedOutput(); err != nil {
				t.Fatalf("skopeo %q: %v: %s", args, err, out)
			}
		}
	}
	for _, from := range [][]string{{"oci://" + mirror + ":stable"}, {"--image", mirror + ":1.4.2"}, {"--image", mirror + "@" + p.image}} {
		out := succeed(t, "", append([]string{"pull", "--key", "vendor.pub", "--out", "copy.yaml"}, from...)...)
		if !strings.Contains(out, p.digest) {
			t.Errorf("pull %q of the copy is not %s: %s", from, p.digest, out)
		}
		if readFile(t, "copy.yaml") != readFile(t, "webapp.yaml") {
			t.Errorf("pull %q of the copy is another document", from)
		}
		succeed(t, "", "verify", "copy.yaml", "--key", "vendor.pub")
		if err := os.Remove("copy.yaml"); err != nil {
			t.Error(err)
		}
	}
}

// Lists of tags are for people, and do not show what is kept for machines.
func TestTagsAreNotInternal(t *testing.T) {
	p := publish(t)
	ref, err := registry.Parse(p.name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := registry.Open(ref, registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tags, err := r.Tags(t.Context())
	if err != nil || strings.Join(tags, " ") != "1.4.2 stable" {
		t.Errorf("Tags = %q, %v", tags, err)
	}
	if _, err := p.repository(t).Resolve(t.Context(), strings.Replace(p.image, ":", "-", 1)); err != nil {
		t.Errorf("the image's list has no tag: %v", err)
	}
	found, err := p.repository(t).Predecessors(t.Context(), ocispec.Descriptor{Digest: digest.Digest(p.image)})
	if err != nil || len(found) != 1 || found[0].ArtifactType != registry.ArtifactType {
		t.Errorf("attached to the image: %v, %v", found, err)
	}
}
