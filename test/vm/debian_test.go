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

// TestFreshDebian installs the package on a Debian that has nothing else, under
// systemd and the kernel of Debian: it learns and guards a service, is upgraded
// and purged, and leaves nothing. debian/drill.sh is what happens inside.
func TestFreshDebian(t *testing.T) {
	needMachine(t)
	testenv.Root(t) // mmdebstrap
	for _, name := range []string{"mmdebstrap", "cpio", "tar"} {
		testenv.Command(t, name)
	}
	base, err := testenv.DebianWith(t.Context(), []string{"systemd-sysv", "dbus", "curl"})
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(t.TempDir(), "root")
	if err := base.Extract(t.Context(), root); err != nil {
		t.Fatal(err)
	}
	install(t, "debian/drill.sh", filepath.Join(root, "drill.sh"), 0o755)
	for _, unit := range []string{"drill.service", "shop.service"} {
		install(t, filepath.Join("debian", unit), filepath.Join(root, "etc/systemd/system", unit), 0o644)
	}
	link(t, "/etc/systemd/system/drill.service", filepath.Join(root, "etc/systemd/system/multi-user.target.wants/drill.service"))
	link(t, "/lib/systemd/systemd", filepath.Join(root, "init"))
	// Without udev the console never becomes a device that a login waits for.
	link(t, "/dev/null", filepath.Join(root, "etc/systemd/system/serial-getty@ttyS0.service"))
	for name, version := range map[string]string{"old": "0.1.0", "new": "0.2.0"} {
		install(t, debianPackage(t, version), filepath.Join(root, "packages", name+".deb"), 0o644)
	}
	status, out := bootDebian(t, root)
	if status != "0" || strings.Contains(out, "FAILED:") || strings.Count(out, "ok: ") < 15 {
		t.Errorf("status %q\n%s", status, out)
	}
}

// bootDebian runs the file tree as a machine of its own until it powers off.
func bootDebian(t *testing.T, root string) (status, out string) {
	t.Helper()
	dir := t.TempDir()
	initramfs := filepath.Join(dir, "initramfs")
	pack := exec.CommandContext(t.Context(), "sh", "-c", `cd "$1" && find . -print0 | cpio --null --create --quiet --format=newc >"$2"`, "sh", root, initramfs)
	if out, err := pack.CombinedOutput(); err != nil {
		t.Fatalf("pack the machine: %v\n%s", err, out)
	}
	k, err := fetchKernel(t.Context(), "6.12")
	if err != nil {
		t.Fatal(err)
	}
	const limit = 40 * time.Minute
	ctx, cancel := context.WithTimeoutCause(t.Context(), limit, fmt.Errorf("it used up its %s", limit))
	defer cancel()
	var printed bytes.Buffer
	statusFile := filepath.Join(dir, "status")
	if err := boot(ctx, k.image, initramfs, statusFile, &printed); err != nil {
		t.Fatalf("run machine: %v\n%s", errors.Join(err, context.Cause(ctx)), printed.String())
	}
	text, err := os.ReadFile(statusFile)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text)), printed.String()
}

// debianPackage builds the package as a release has it.
func debianPackage(t *testing.T, version string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "dist")
	cmd := exec.CommandContext(t.Context(), "go", "run", "./deploy/release",
		"-source", ".", "-version", version, "-out", dir, "-platform", "linux/amd64")
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the package: %v\n%s", err, out)
	}
	return filepath.Join(dir, "bobwatch_"+version+"_amd64.deb")
}

func install(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, data, mode)); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.Symlink(target, path)); err != nil {
		t.Fatal(err)
	}
}
