package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// cgroupPrefix begins the names of the bench's cgroups.
const cgroupPrefix = "bobwatch-bench-"

// A cgroup is a directory below the root of the v2 hierarchy.
type cgroup struct {
	dir string
	id  uint64
}

func makeCgroup(root, name string) (*cgroup, error) {
	dir := filepath.Join(root, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make cgroup: %w", err)
	}
	var stat unix.Stat_t
	if err := unix.Stat(dir, &stat); err != nil {
		return nil, errors.Join(fmt.Errorf("make cgroup: %w", err), os.Remove(dir))
	}
	return &cgroup{dir: dir, id: stat.Ino}, nil
}

// remove removes the cgroup. Its last process may take a moment to leave it.
func (c *cgroup) remove() error {
	var err error
	for range 100 {
		if err = os.Remove(c.dir); err == nil {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("remove cgroup: %w", err)
}

// cgroupRoot returns where the v2 hierarchy is mounted: the usual place, or
// the one that systemd uses beside a v1 hierarchy.
func cgroupRoot() (string, error) {
	for _, dir := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		var fs unix.Statfs_t
		if err := unix.Statfs(dir, &fs); err == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC {
			return dir, nil
		}
	}
	return "", errors.New("find cgroup v2 hierarchy: not mounted below /sys/fs/cgroup")
}
