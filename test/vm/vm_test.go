package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
		p.args = []string{"-test.v"}
		for _, release := range []string{"6.1", "6.12"} {
			t.Run(fmt.Sprintf("%s on %s", filepath.Base(pkg), release), func(t *testing.T) {
				status, out, err := runOn(t, release, p, 10*time.Minute)
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
			if tt.err == errSlow {
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
