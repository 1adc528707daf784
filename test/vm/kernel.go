package main

import (
	"archive/tar"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A kernel is one of Debian's kernels on this machine's disk.
type kernel struct {
	image   string // vmlinuz
	overlay string // overlay.ko, uncompressed: overlayfs is a module there
}

// newest stands for the newest release that Debian serves.
const newest = "newest"

// fetchKernel returns the newest kernel of a release such as "6.12", and
// downloads it unless the cache already has it. Without a network it returns the
// newest one in the cache.
func fetchKernel(ctx context.Context, release string) (kernel, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return kernel{}, fmt.Errorf("find the kernel cache: %w", err)
	}
	kernels := filepath.Join(cache, "bobwatch", "kernels")
	unlock, err := lock(kernels)
	if err != nil {
		return kernel{}, err
	}
	defer unlock()

	lists := packageLists{dir: filepath.Join(cache, "bobwatch", "apt"), suites: kernelSuites}
	k, err := fetchFrom(ctx, lists, release, kernels)
	if !errors.Is(err, errMirror) {
		return k, err
	}
	cached, globErr := filepath.Glob(filepath.Join(kernels, "linux-image-*"))
	if globErr != nil {
		return kernel{}, globErr
	}
	for i, dir := range cached {
		cached[i] = filepath.Base(dir)
	}
	pkg, ok := newestOf(cached, release)
	if !ok {
		return kernel{}, err
	}
	fmt.Fprintf(os.Stderr, "vm: using %s, which the cache has: %v\n", pkg, err)
	return kernelIn(filepath.Join(kernels, pkg)), nil
}

// fetchFrom returns the kernel that the lists know. Lists can be older than the
// mirror, which drops superseded packages: then they are updated once.
func fetchFrom(ctx context.Context, lists packageLists, release, kernels string) (kernel, error) {
	if err := lists.updateIfOld(ctx); err != nil {
		return kernel{}, err
	}
	k, err := fetchListed(ctx, lists, release, kernels)
	if err == nil {
		return k, nil
	}
	if err := lists.update(ctx); err != nil {
		return kernel{}, err
	}
	return fetchListed(ctx, lists, release, kernels)
}

func fetchListed(ctx context.Context, lists packageLists, release, kernels string) (kernel, error) {
	pkg, err := lists.findKernel(ctx, release)
	if err != nil {
		return kernel{}, err
	}
	dir := filepath.Join(kernels, pkg)
	if err := download(ctx, lists, pkg, dir); err != nil {
		return kernel{}, err
	}
	return kernelIn(dir), nil
}

func kernelIn(dir string) kernel {
	return kernel{image: filepath.Join(dir, "vmlinuz"), overlay: filepath.Join(dir, "overlay.ko")}
}

// lock makes one process at a time fetch into dir.
func lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", f.Name(), err), f.Close())
	}
	return func() { f.Close() }, nil
}

var kernelPackage = regexp.MustCompile(`^linux-image-([0-9]+\.[0-9]+)\.[0-9].*cloud-amd64$`)

// newestOf returns the newest kernel of the release among names of packages.
func newestOf(packages []string, release string) (string, bool) {
	var kernels []string
	for _, name := range packages {
		m := kernelPackage.FindStringSubmatch(name)
		if m != nil && (release == newest || release == m[1]) {
			kernels = append(kernels, name)
		}
	}
	if len(kernels) == 0 {
		return "", false
	}
	return slices.MaxFunc(kernels, compareVersions), true
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
func download(ctx context.Context, lists packageLists, pkg, dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "download-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	debs, err := lists.download(ctx, pkg, tmp)
	if err != nil {
		return err
	}
	files := filepath.Join(tmp, "files")
	if err := os.Mkdir(files, 0o755); err != nil {
		return err
	}
	wanted := map[string]bool{"vmlinuz": true, "overlay.ko": true}
	for _, deb := range debs {
		if err := unpack(ctx, deb, files, wanted); err != nil {
			return err
		}
	}
	if len(wanted) > 0 {
		return fmt.Errorf("unpack %s: the package lacks %v", pkg, slices.Sorted(maps.Keys(wanted)))
	}
	return os.Rename(files, dir)
}

// unpack takes the wanted files out of a package, and off the list.
func unpack(ctx context.Context, deb, dir string, wanted map[string]bool) error {
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", deb)
	stream, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := extract(ctx, tar.NewReader(stream), dir, wanted); err != nil {
		return errors.Join(fmt.Errorf("unpack %s: %w", filepath.Base(deb), err), cmd.Wait())
	}
	return cmd.Wait()
}

func extract(ctx context.Context, files *tar.Reader, dir string, wanted map[string]bool) error {
	for {
		header, err := files.Next()
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
