package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/testenv"
)

// TestKernels runs the tests that need a kernel on each of the releases that
// are promised to work.
func TestKernels(t *testing.T) {
	needMachine(t)
	for _, pkg := range []string{"bobwatch/test/vm/smoke", "bobwatch/internal/sensor"} {
		p, err := buildTests(t.Context(), pkg, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		// Floods, counts and pins do not depend on the kernel's version, and each
		// loads the programs again, which takes an emulated machine half a minute.
		p.args = []string{"-test.v", "-test.skip=^Test(Flood|ManyCgroups|UnfitPins|Unreleased|Counter)"}
		for _, release := range releases {
			t.Run(fmt.Sprintf("%s on %s", filepath.Base(pkg), release), func(t *testing.T) {
				status, out, err := runOn(t, release, p, 25*time.Minute)
				if err != nil || status != 0 {
					t.Fatalf("exit status %d, error %v\n%s", status, err, out)
				}
				if strings.Contains(out, "--- SKIP") || !strings.Contains(out, "--- PASS") {
					t.Errorf("a test was skipped, or none ran:\n%s", out)
				}
			})
		}
	}
}

// TestStatus sees that a machine's end is never taken for success.
func TestStatus(t *testing.T) {
	needMachine(t)
	errSlow := errors.New("too slow")
	tests := map[string]struct {
		script string
		status int
		out    string
		err    error
	}{
		"success":   {script: `echo "$GREETING" "$1"; pwd`, out: "hello you\n/work\n"},
		"failure":   {script: "exit 3", status: 3},
		"panic":     {script: "echo c >/proc/sysrq-trigger", err: errNoStatus},
		"power cut": {script: "poweroff -f", err: errNoStatus},
		"hang":      {script: "sleep 1000", err: errSlow},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			limit := time.Minute
			if errors.Is(tt.err, errSlow) {
				limit = 10 * time.Second
			}
			p := program{
				path: filepath.Join(t.TempDir(), "script"),
				args: []string{"you"},
				env:  []string{"GREETING=hello"},
			}
			if err := os.WriteFile(p.path, []byte("#!/bin/sh\n"+tt.script), 0o755); err != nil {
				t.Fatal(err)
			}
			status, out, err := runOnUntil(t, "6.1", p, limit, errSlow)
			if status != tt.status || !errors.Is(err, tt.err) {
				t.Errorf("exit status %d, error %v, want %d, %v\n%s", status, err, tt.status, tt.err, out)
			}
			if !strings.HasSuffix(out, tt.out) {
				t.Errorf("printed %q, want %q", out, tt.out)
			}
		})
	}
}

// TestNewestOf: only kernels for clouds count, by number and not by letter.
func TestNewestOf(t *testing.T) {
	packages := []string{
		"linux-image-6.1.0-9-cloud-amd64", "linux-image-6.1.0-56-cloud-amd64", "linux-image-6.1.0-99-amd64",
		"linux-image-6.12-cloud-amd64", "linux-image-6.12.100+deb12-cloud-amd64",
		"linux-image-6.12.117+deb13-cloud-amd64", "linux-image-7.3.4+deb13-cloud-amd64-dbg",
		"linux-image-7.2.6+deb13-cloud-amd64",
	}
	for release, want := range map[string]string{
		"6.1":  "linux-image-6.1.0-56-cloud-amd64",
		"6.12": "linux-image-6.12.117+deb13-cloud-amd64",
		newest: "linux-image-7.2.6+deb13-cloud-amd64",
		"6":    "",
	} {
		if got, ok := newestOf(packages, release); got != want || ok != (want != "") {
			t.Errorf("newestOf(%s) = %q, %t, want %q", release, got, ok, want)
		}
	}
}

// TestSourcesFrom: the mirrors are the machine's, also where it knows other
// releases, and repositories of others are left alone.
func TestSourcesFrom(t *testing.T) {
	got := sourcesFrom(`'http://mirror.example/debian/dists/trixie/InRelease' mirror.example_debian_dists_trixie_InRelease 0 
'http://mirror.example/debian/dists/trixie/main/binary-amd64/Packages.xz' x 0 
'http://mirror.example/debian/dists/trixie-updates/InRelease' x 0 
'mirror+file:/etc/apt/security.list/dists/trixie-security/InRelease' x 0 
'https://node.example/dists/nodistro/InRelease' x 0 
`, kernelSuites)
	const options = "deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
	want := []string{
		options + "http://mirror.example/debian bookworm main",
		options + "http://mirror.example/debian bookworm-backports main",
		options + "http://mirror.example/debian trixie main",
		options + "http://mirror.example/debian trixie-backports main",
		options + "mirror+file:/etc/apt/security.list bookworm-security main",
		options + "mirror+file:/etc/apt/security.list trixie-security main",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
}

// TestPackageLists: the machine's own lists and sources are as they were, old
// as they may be, and what cannot be served is said.
func TestPackageLists(t *testing.T) {
	needMachine(t)
	before := snapshot(t, "/var/lib/apt/lists", "/etc/apt", "/var/cache/apt")
	small := []string{"bookworm-security", "bookworm-backports", "trixie-backports"}
	lists := packageLists{dir: t.TempDir(), suites: small}
	if err := lists.updateIfOld(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, release := range releases {
		if pkg, err := lists.findKernel(t.Context(), release); err != nil {
			t.Error(err)
		} else {
			t.Logf("%s is %s", release, pkg)
		}
	}
	if pkg, err := lists.findKernel(t.Context(), "2.4"); err == nil {
		t.Errorf("findKernel(2.4) = %s, want an error", pkg)
	}
	if diff := cmp.Diff(before, snapshot(t, "/var/lib/apt/lists", "/etc/apt", "/var/cache/apt")); diff != "" {
		t.Errorf("apt's files changed (-before +after):\n%s", diff)
	}
}

// snapshot maps the files below the directories to size and time of change.
func snapshot(t *testing.T, dirs ...string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := entry.Info()
			if err == nil && !entry.IsDir() {
				files[path] = fmt.Sprint(info.Size(), info.ModTime())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestCompareVersions(t *testing.T) {
	older := []string{
		"linux-image-6.1.0-9-cloud-amd64",
		"linux-image-6.1.0-56-cloud-amd64",
		"linux-image-6.12.100+deb12-cloud-amd64",
		"linux-image-6.12.117+deb12-cloud-amd64",
	}
	for i := range older[1:] {
		if a, b := older[i], older[i+1]; compareVersions(a, b) >= 0 || compareVersions(b, a) <= 0 {
			t.Errorf("%s is not older than %s", a, b)
		}
	}
}

func TestArchive(t *testing.T) {
	cpio := testenv.Command(t, "cpio")
	tree := t.TempDir()
	if err := os.WriteFile(filepath.Join(tree, "odd"), []byte("12345"), 0o644); err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	a := newArchive(&packed)
	a.add("init", []byte("#!\n"))
	a.addTree("work/testdata", tree)
	a.addTree("work/none", filepath.Join(tree, "missing"))
	if err := a.close(); err != nil {
		t.Fatal(err)
	}

	dir := t.TempDir()
	unpack := exec.Command(cpio, "--extract", "--quiet")
	unpack.Dir, unpack.Stdin = dir, &packed
	if out, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("unpack: %v: %s", err, out)
	}
	for name, want := range map[string]string{"init": "#!\n", "work/testdata/odd": "12345"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != want {
			t.Errorf("%s holds %q, error %v, want %q", name, got, err, want)
		}
	}
}

func needMachine(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("boots virtual machines")
	}
	for _, name := range []string{"qemu-system-x86_64", "busybox", "apt-cache", "apt-get", "dpkg-deb", "xz"} {
		testenv.Command(t, name)
	}
}

func runOn(t *testing.T, release string, p program, limit time.Duration) (int, string, error) {
	t.Helper()
	return runOnUntil(t, release, p, limit, fmt.Errorf("it used up its %s", limit))
}

// runOnUntil runs the program on a machine that ends with the error at limit.
func runOnUntil(
	t *testing.T, release string, p program, limit time.Duration, atLimit error,
) (status int, out string, err error) {
	t.Helper()
	k, err := fetchKernel(t.Context(), release)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), limit, atLimit)
	defer cancel()
	var printed bytes.Buffer
	status, err = run(ctx, k, p, &printed)
	return status, printed.String(), err
}
