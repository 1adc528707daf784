package main

import (
	"archive/tar"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A kernel is one of Debian's kernels on this machine's disk.
type kernel struct {
	image   string // vmlinuz
	overlay string // overlay.ko, uncompressed: overlayfs is a module there
}

// fetchKernel returns the newest kernel of a release such as "6.12" that apt
// knows, and downloads it unless the cache already has it.
func fetchKernel(ctx context.Context, release string) (kernel, error) {
	pkg, err := findPackage(ctx, release)
	if err != nil {
		return kernel{}, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return kernel{}, fmt.Errorf("find the kernel cache: %w", err)
	}
	dir := filepath.Join(cache, "bobwatch", "kernels", pkg)
	k := kernel{image: filepath.Join(dir, "vmlinuz"), overlay: filepath.Join(dir, "overlay.ko")}
	if _, err := os.Stat(dir); err == nil {
		return k, nil
	}
	if err := download(ctx, pkg, dir); err != nil {
		return kernel{}, fmt.Errorf("download %s (is apt's package list recent?): %w", pkg, err)
	}
	return k, nil
}

// findPackage names the newest package that holds a kernel of the release.
func findPackage(ctx context.Context, release string) (string, error) {
	pattern := `^linux-image-` + regexp.QuoteMeta(release) + `\.[^ ]*cloud-amd64$`
	out, err := output(ctx, "apt-cache", "search", "--names-only", pattern)
	if err != nil {
		return "", err
	}
	var packages []string
	for line := range strings.Lines(string(out)) {
		if name, _, ok := strings.Cut(line, " "); ok {
			packages = append(packages, name)
		}
	}
	if len(packages) == 0 {
		return "", fmt.Errorf("find kernel %s: apt knows no package %s", release, pattern)
	}
	return slices.MaxFunc(packages, compareVersions), nil
}

var digits = regexp.MustCompile(`[0-9]+`)

// compareVersions compares the numbers in two package names, so that
// 6.1.0-56 is newer than 6.1.0-9.
func compareVersions(a, b string) int {
	return slices.CompareFunc(digits.FindAllString(a, -1), digits.FindAllString(b, -1),
		func(a, b string) int {
			x, _ := strconv.Atoi(a)
			y, _ := strconv.Atoi(b)
			return cmp.Compare(x, y)
		})
}

// download puts the files of a kernel package into dir, which appears only
// once it is complete.
func download(ctx context.Context, pkg, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "download-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)

	get := exec.CommandContext(ctx, "apt-get", "download", "-qq", pkg)
	get.Dir = tmp
	if out, err := get.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get download: %w: %s", err, out)
	}
	debs, err := filepath.Glob(filepath.Join(tmp, "*.deb"))
	if err != nil || len(debs) != 1 {
		return fmt.Errorf("apt-get download left %d packages", len(debs))
	}
	files := filepath.Join(tmp, "files")
	if err := os.Mkdir(files, 0o755); err != nil {
		return err
	}
	if err := unpack(ctx, debs[0], files); err != nil {
		return err
	}
	err = os.Rename(files, dir)
	if errors.Is(err, os.ErrExist) {
		return nil // another run was faster
	}
	return err
}

// unpack takes the kernel and the overlayfs module out of a package.
func unpack(ctx context.Context, deb, dir string) error {
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", deb)
	stream, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := extract(ctx, tar.NewReader(stream), dir); err != nil {
		return errors.Join(fmt.Errorf("unpack %s: %w", filepath.Base(deb), err), cmd.Wait())
	}
	return cmd.Wait()
}

func extract(ctx context.Context, files *tar.Reader, dir string) error {
	wanted := map[string]bool{"vmlinuz": true, "overlay.ko": true}
	for {
		header, err := files.Next()
		if err == io.EOF && len(wanted) > 0 {
			return fmt.Errorf("the package lacks %v", wanted)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		name := filepath.Base(header.Name)
		if strings.HasPrefix(name, "vmlinuz-") {
			name = "vmlinuz"
		}
		compressed := strings.HasSuffix(name, ".xz")
		name = strings.TrimSuffix(name, ".xz")
		if !wanted[name] {
			continue
		}
		delete(wanted, name)
		if err := save(ctx, files, filepath.Join(dir, name), compressed); err != nil {
			return err
		}
	}
}

func save(ctx context.Context, r io.Reader, file string, compressed bool) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if compressed {
		xz := exec.CommandContext(ctx, "xz", "--decompress", "--stdout")
		xz.Stdin, xz.Stdout = r, f
		err = xz.Run()
	} else {
		_, err = io.Copy(f, r)
	}
	return errors.Join(err, f.Close())
}

// output runs a command and returns what it printed; the error holds what it
// complained of.
func output(ctx context.Context, name string, args ...string) ([]byte, error) {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("run %s: %w: %s", name, err, exit.Stderr)
	}
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", name, err)
	}
	return out, nil
}
