package testenv

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// mount is one line of /proc/self/mountinfo.
type mount struct {
	point  string
	fstype string
}

func mounts() ([]mount, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var all []mount
	for line := range strings.Lines(string(text)) {
		before, after, ok := strings.Cut(line, " - ")
		fields, rest := strings.Fields(before), strings.Fields(after)
		if ok && len(fields) > 4 && len(rest) > 0 {
			all = append(all, mount{point: fields[4], fstype: rest[0]})
		}
	}
	return all, nil
}

// cgroupRoots returns the mount points of all cgroup hierarchies.
func cgroupRoots() ([]string, error) {
	all, err := mounts()
	if err != nil {
		return nil, err
	}
	var roots []string
	for _, m := range all {
		if m.fstype == "cgroup" || m.fstype == "cgroup2" {
			roots = append(roots, m.point)
		}
	}
	return roots, nil
}

// CgroupRoot returns the mount point of the version 2 hierarchy.
func CgroupRoot() (string, error) {
	all, err := mounts()
	if err != nil {
		return "", err
	}
	for _, m := range all {
		if m.fstype == "cgroup2" {
			return m.point, nil
		}
	}
	return "", errors.New("no cgroup2 file system is mounted")
}

// CgroupID returns the id of the cgroup at path, which is relative to the root
// of the version 2 hierarchy.
func CgroupID(path string) (uint64, error) {
	root, err := CgroupRoot()
	if err != nil {
		return 0, err
	}
	var st syscall.Stat_t
	if err := syscall.Stat(filepath.Join(root, path), &st); err != nil {
		return 0, fmt.Errorf("stat cgroup %s: %w", path, err)
	}
	return st.Ino, nil
}

// eachCgroup calls f for the cgroup called name at the root of each hierarchy
// and for all below it, the deepest first.
func eachCgroup(name string, f func(dir string)) error {
	roots, err := cgroupRoots()
	if err != nil {
		return err
	}
	for _, root := range roots {
		var dirs []string
		err := filepath.WalkDir(filepath.Join(root, name), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil // it may vanish as we walk
		})
		if err != nil {
			return err
		}
		slices.Reverse(dirs)
		for _, dir := range dirs {
			f(dir)
		}
	}
	return nil
}

// killCgroups kills every process in the cgroups called name.
func killCgroups(name string) error {
	return eachCgroup(name, func(dir string) {
		procs, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if err != nil {
			return
		}
		for field := range strings.FieldsSeq(string(procs)) {
			if pid, err := strconv.Atoi(field); err == nil && pid > 1 {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	})
}

// MakeCgroup makes the cgroup at path in every hierarchy, and returns where the
// one of version 2 is.
func MakeCgroup(path string) (string, error) {
	roots, err := cgroupRoots()
	if err != nil {
		return "", err
	}
	for _, root := range roots {
		if err := os.MkdirAll(filepath.Join(root, path), 0o755); err != nil {
			return "", fmt.Errorf("make cgroup: %w", err)
		}
		if err := inheritCPUs(root, path); err != nil {
			return "", fmt.Errorf("make cgroup %s: %w", path, err)
		}
	}
	root, err := CgroupRoot()
	return filepath.Join(root, path), err
}

// inheritCPUs gives a new cgroup of cpuset version 1 the processors and memory
// of those above it: without any, no process may enter it.
func inheritCPUs(root, path string) error {
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		dir := root
		value, err := os.ReadFile(filepath.Join(dir, file))
		if errors.Is(err, fs.ErrNotExist) {
			return nil // another controller, or version 2
		} else if err != nil {
			return err
		}
		for name := range strings.SplitSeq(path, "/") {
			dir = filepath.Join(dir, name)
			if err := os.WriteFile(filepath.Join(dir, file), value, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// EndCgroup kills every process in the cgroups called name at the root of each
// hierarchy, and in those below, until none is left, and removes them.
func EndCgroup(ctx context.Context, name string) error {
	for {
		if err := killCgroups(name); err != nil {
			return err
		}
		round, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		err := removeCgroups(round, name)
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
}

// removeCgroups removes the cgroups called name once they are empty.
func removeCgroups(ctx context.Context, name string) error {
	for {
		var left error
		err := eachCgroup(name, func(dir string) {
			if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
				left = err
			}
		})
		if err != nil || left == nil {
			return err
		}
		if sleep(ctx, 20*time.Millisecond) != nil {
			return left
		}
	}
}

// killShims kills the shims that serve the containerd at address. A shim ends
// by itself when its task is removed; these are the ones that did not.
func killShims(address string) error {
	procs, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	for _, path := range procs {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		args := strings.Split(string(text), "\x00")
		if !strings.Contains(args[0], "containerd-shim") || !slices.Contains(args, address) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return nil
}

// unmountBelow unmounts everything mounted below dir, the deepest first.
func unmountBelow(dir string) error {
	all, err := mounts()
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range slices.Backward(all) {
		if strings.HasPrefix(m.point, dir+"/") {
			errs = append(errs, syscall.Unmount(m.point, syscall.MNT_DETACH))
		}
	}
	return errors.Join(errs...)
}
