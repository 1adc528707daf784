// Package release tests what `make release` publishes: each file with the
// program that users open it with.
package release

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bobwatch/internal/signature"
	"bobwatch/internal/testenv"
)

// Bounds of what a node downloads and keeps.
const (
	maxAgent = 40 << 20
	maxImage = 60 << 20 // for one platform, compressed
)

// release is a finished one.
type release struct {
	dir     string
	version string
	key     string // the public key, kept elsewhere than the release
}

// publish runs the program that `make release` runs.
func publish(t *testing.T, version, key string) release {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "dist")
	run(t, "../..", "go", "run", "./deploy/release", "-version", version, "-out", dir, "-key", key, "-platform", "linux/amd64")
	return release{dir: dir, version: version, key: strings.TrimSuffix(key, ".key") + ".pub"}
}

func (r release) path(suffix string) string {
	return filepath.Join(r.dir, "bobwatch_"+r.version+"_"+suffix)
}

func TestRelease(t *testing.T) {
	for _, name := range []string{"dpkg-deb", "rpm", "skopeo", "tar", "sha256sum", "systemd-analyze"} {
		testenv.Command(t, name)
	}
	r := publish(t, "0.1.0", newKey(t))
	t.Run("equal bytes", func(t *testing.T) { testEqual(t, r, publish(t, "0.1.0", newKey(t))) })
	t.Run("verify", func(t *testing.T) { testVerify(t, r) })
	t.Run("archive", func(t *testing.T) { testArchive(t, r) })
	t.Run("deb", func(t *testing.T) { testDeb(t, r) })
	t.Run("rpm", func(t *testing.T) { testRPM(t, r) })
	t.Run("image", func(t *testing.T) { testImage(t, r) })
	t.Run("chart", func(t *testing.T) { testChart(t, r) })
	t.Run("bill of materials", func(t *testing.T) { testSBOM(t, r) })
	t.Run("provenance", func(t *testing.T) { testProvenance(t, r) })
}

// testEqual wants two builds of one commit to differ in signatures and key only.
func testEqual(t *testing.T, a, b release) {
	entries, err := os.ReadDir(a.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".sigstore.json") || e.Name() == "bobwatch.pub" {
			continue
		}
		if !bytes.Equal(read(t, filepath.Join(a.dir, e.Name())), read(t, filepath.Join(b.dir, e.Name()))) {
			t.Errorf("%s differs between two builds", e.Name())
		}
	}
	if len(entries) < 10 {
		t.Errorf("got %d files, want at least 10", len(entries))
	}
}

// testVerify wants the script to accept the release, and to refuse it after a
// change and with another key.
func testVerify(t *testing.T, r release) {
	bin := t.TempDir()
	if err := os.Symlink(testenv.Cosign(t, "v3"), filepath.Join(bin, "cosign")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	script := filepath.Join(r.dir, "verify.sh")
	run(t, "", script, r.key)
	if out, err := exec.Command(script, strings.TrimSuffix(newKey(t), ".key")+".pub").CombinedOutput(); err == nil {
		t.Errorf("a stranger's key verifies the release:\n%s", out)
	}
	changed := filepath.Join(r.dir, "bob.yaml")
	before := read(t, changed)
	defer write(t, changed, before)
	write(t, changed, append(before, '\n'))
	if out, err := exec.Command(script, r.key).CombinedOutput(); err == nil {
		t.Errorf("a changed file verifies:\n%s", out)
	}
}

func testArchive(t *testing.T, r release) {
	dir := t.TempDir()
	run(t, dir, "tar", "-xzf", r.path("linux_amd64.tar.gz"))
	for _, program := range []struct{ path, flag, want string }{
		{"agent", "-version", "bobwatch agent v0.1.0"},
		{"bobctl", "version", "v0.1.0"},
	} {
		if out := run(t, dir, filepath.Join(dir, program.path), program.flag); !strings.Contains(out, program.want) {
			t.Errorf("%s says %q, want %q in it", program.path, out, program.want)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "agent"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > maxAgent {
		t.Errorf("the agent takes %d bytes, want at most %d", info.Size(), maxAgent)
	}
	t.Logf("agent: %.1f MiB", float64(info.Size())/(1<<20))
}

// installed are the files that matter of both packages.
var installed = []string{
	"/usr/sbin/bobwatch-agent", "/usr/bin/bobctl", "/usr/lib/systemd/system/bobwatch.service", "/etc/bobwatch/agent.yaml",
}

func testDeb(t *testing.T, r release) {
	deb := filepath.Join(r.dir, "bobwatch_0.1.0_amd64.deb")
	dir := t.TempDir()
	run(t, "", "dpkg-deb", "--raw-extract", deb, dir)
	for _, path := range installed {
		if _, err := os.Stat(filepath.Join(dir, path)); err != nil {
			t.Error(err)
		}
	}
	run(t, "", filepath.Join(dir, "usr/sbin/bobwatch-agent"), "-check", "-config", filepath.Join(dir, "etc/bobwatch/agent.yaml"))
	for _, script := range []string{"postinst", "prerm", "postrm"} {
		run(t, "", "sh", "-n", filepath.Join(dir, "DEBIAN", script))
	}
	out := run(t, "", "systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=40",
		filepath.Join(dir, "usr/lib/systemd/system/bobwatch.service"))
	t.Log(out[strings.LastIndex(strings.TrimSpace(out), "\n")+1:])
}

func testRPM(t *testing.T, r release) {
	out := run(t, "", "rpm", "--query", "--package", "--list", "--info", "--nosignature", filepath.Join(r.dir, "bobwatch_0.1.0_amd64.rpm"))
	for _, want := range append([]string{"Version     : 0.1.0", "License     : Apache-2.0"}, installed...) {
		if !strings.Contains(out, want) {
			t.Errorf("the package says nothing of %q:\n%s", want, out)
		}
	}
}

// testImage pushes the image into a registry, as an operator without internet
// does, and reads it back from there.
func testImage(t *testing.T, r release) {
	registry := testenv.NewRegistry(t)
	image := registry.Host + "/bobwatch:0.1.0"
	run(t, "", "skopeo", "copy", "--quiet", "--all", "--dest-tls-verify=false", "oci-archive:"+r.path("image.tar"), "docker://"+image)
	var index struct {
		Manifests []struct{ Digest string }
	}
	decode(t, run(t, "", "skopeo", "inspect", "--raw", "--tls-verify=false", "docker://"+image), &index)
	if len(index.Manifests) != 1 {
		t.Fatalf("got %d images, want the one that was built", len(index.Manifests))
	}
	alone := "docker://" + registry.Host + "/bobwatch@" + index.Manifests[0].Digest
	var config struct {
		Architecture string
		Config       struct {
			Entrypoint []string
			Labels     map[string]string
		}
	}
	decode(t, run(t, "", "skopeo", "inspect", "--config", "--tls-verify=false", alone), &config)
	if config.Architecture != "amd64" || config.Config.Labels["org.opencontainers.image.version"] != "0.1.0" ||
		!slices.Equal(config.Config.Entrypoint, []string{"/agent"}) {
		t.Errorf("got %+v", config)
	}
	var manifest struct{ Layers []struct{ Size int64 } }
	decode(t, run(t, "", "skopeo", "inspect", "--raw", "--tls-verify=false", alone), &manifest)
	size := int64(0)
	for _, layer := range manifest.Layers {
		size += layer.Size
	}
	if size == 0 || size > maxImage {
		t.Errorf("the image takes %d bytes, want at most %d", size, maxImage)
	}
	t.Logf("image: %.1f MiB", float64(size)/(1<<20))
}

// testChart installs nothing: it renders both forms of the chart, one of them
// from a registry, and looks for the image of the release.
func testChart(t *testing.T, r release) {
	helm := testenv.Helm(t)
	registry := testenv.NewRegistry(t)
	run(t, "", "skopeo", "copy", "--quiet", "--dest-tls-verify=false", "oci-archive:"+r.path("chart-oci.tar"),
		"docker://"+registry.Host+"/charts/bobwatch:0.1.0")
	t.Setenv("HELM_CACHE_HOME", t.TempDir())
	for _, chart := range [][]string{
		{r.path("chart.tgz")},
		{"oci://" + registry.Host + "/charts/bobwatch", "--version", "0.1.0", "--plain-http"},
	} {
		out := run(t, "", helm, append([]string{"template", "bobwatch"}, chart...)...)
		if !strings.Contains(out, "bobwatch:0.1.0") {
			t.Errorf("%s does not name the image of the release", chart[0])
		}
	}
}

func testSBOM(t *testing.T, r release) {
	var got struct {
		SPDXVersion string `json:"spdxVersion"`
		Packages    []struct {
			Name    string `json:"name"`
			Version string `json:"versionInfo"`
		} `json:"packages"`
	}
	decode(t, string(read(t, filepath.Join(r.dir, "bobwatch_0.1.0.spdx.json"))), &got)
	want := strings.TrimSpace(run(t, "../..", "go", "list", "-m", "-f", "{{.Version}}", "github.com/cilium/ebpf"))
	for _, p := range got.Packages {
		if p.Name == "github.com/cilium/ebpf" && p.Version == want {
			return
		}
	}
	t.Errorf("no cilium/ebpf %s among %d packages", want, len(got.Packages))
}

func testProvenance(t *testing.T, r release) {
	var got struct {
		Type    string `json:"_type"`
		Subject []struct{ Name string }
	}
	decode(t, string(read(t, filepath.Join(r.dir, "bobwatch_0.1.0.intoto.json"))), &got)
	if got.Type != "https://in-toto.io/Statement/v1" || len(got.Subject) < 8 {
		t.Errorf("got %+v", got)
	}
}

// newKey makes a pair of keys and returns the path of the private one, which
// has no passphrase.
func newKey(t *testing.T) string {
	t.Helper()
	t.Setenv("COSIGN_PASSWORD", "")
	key, err := signature.GenerateKey(signature.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	private, err := signature.MarshalPrivateKey(key, nil)
	if err != nil {
		t.Fatal(err)
	}
	public, err := signature.MarshalPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "bobwatch.key")
	write(t, path, private)
	write(t, strings.TrimSuffix(path, ".key")+".pub", public)
	return path
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func decode(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}
