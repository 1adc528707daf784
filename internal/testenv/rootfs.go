package testenv

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Rootfs is the root file system of an image's base, as a tar file.
type Rootfs struct {
	path   string
	digest string
	size   int64
}

// packages are the Debian packages of the workloads of the tests and the demo. One file
// system holds them all: it is built once in a minute and cached.
var packages = []string{
	"apache2", "libapache2-mod-php", "iputils-ping", "curl",
	"redis-server", "nginx-light",
}

// Debian returns a root file system of the machine's own Debian release with
// Apache, PHP, redis and nginx, made from the machine's own package sources.
func Debian(ctx context.Context) (*Rootfs, error) {
	return DebianWith(ctx, packages, "--dpkgopt=path-exclude=/usr/share/locale/*")
}

// DebianWith is Debian with other packages, and with flags of mmdebstrap. The
// result is cached outside of the tree, keyed by its packages and flags.
func DebianWith(ctx context.Context, packages []string, flags ...string) (*Rootfs, error) {
	suite, err := codename()
	if err != nil {
		return nil, err
	}
	args := []string{
		"--quiet", "--format=tar", "--variant=essential",
		"--include=" + strings.Join(packages, ","),
		"--aptopt=APT::Install-Recommends \"false\"",
		"--dpkgopt=path-exclude=/usr/share/doc/*",
		"--dpkgopt=path-exclude=/usr/share/man/*",
		"--dpkgopt=force-unsafe-io", // a root file system that is lost is made again
	}
	args = append(append(args, flags...), suite)
	dir, err := CacheDir("images")
	if err != nil {
		return nil, err
	}
	unlock, err := Lock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	key := sha256.Sum256([]byte(strings.Join(args, "\x00")))
	path := filepath.Join(dir, "debian-"+hex.EncodeToString(key[:8])+".tar")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := bootstrap(ctx, path, args); err != nil {
			return nil, fmt.Errorf("build root file system: %w", err)
		}
	}
	return openRootfs(path)
}

// Extract unpacks the file system into a new directory, with owners and modes.
func (r *Rootfs) Extract(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	_, err := output(exec.CommandContext(ctx, "tar", "--extract", "--numeric-owner", "--file", r.path, "--directory", dir))
	return err
}

// CacheDir returns a directory called name that outlives runs and checkouts.
func CacheDir(name string) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, "bobwatch", name)
	return dir, os.MkdirAll(dir, 0o755)
}

// bootstrap runs mmdebstrap with args and the machine's package sources.
func bootstrap(ctx context.Context, path string, args []string) error {
	sources, err := exec.CommandContext(ctx, "apt-get", "indextargets",
		"--format", "deb $(SITE) $(RELEASE) $(COMPONENT)", "Created-By: Packages", "Origin: Debian").Output()
	if err != nil {
		return fmt.Errorf("read package sources: %w", err)
	}
	if len(sources) == 0 {
		return errors.New("read package sources: none from Debian; run apt-get update")
	}
	partial := path + ".partial"
	defer os.Remove(partial)
	cmd := exec.CommandContext(ctx, "mmdebstrap", append(args, partial, "-")...)
	cmd.Stdin = bytes.NewReader(sources)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if _, err := output(cmd); err != nil {
		return err
	}
	return os.Rename(partial, path)
}

func openRootfs(path string) (*Rootfs, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	size, err := io.Copy(h, f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return &Rootfs{path: path, digest: hex.EncodeToString(h.Sum(nil)), size: size}, nil
}

// codename returns the name of the machine's Debian release.
func codename() (string, error) {
	text, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_CODENAME="); ok {
			return name, nil
		}
	}
	return "", errors.New("read /etc/os-release: no VERSION_CODENAME")
}

// Lock takes the lock file at path, once nobody else has it: two runs at once
// build one image, not two. It ends with the process.
func Lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}
