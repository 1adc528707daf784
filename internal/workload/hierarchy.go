package workload

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

const (
	// rootCgroupID is the inode of the root of the whole v2 hierarchy.
	rootCgroupID = 1
	// maxCgroupDepth bounds walks over cgroups; the kernel's default is no limit.
	maxCgroupDepth = 32
	// maxCgroups bounds the cgroups one walk visits.
	maxCgroups = 1 << 16
)

// hierarchy is the cgroup v2 hierarchy as far as the agent sees it: all of it,
// or the part below a node that is itself a container, as kind's nodes are.
type hierarchy struct {
	root   string // where it is mounted
	rootID uint64
	// prefix is the path of root in the whole hierarchy, which is what the
	// kernel's reports begin with. It is "" for all of it, and not known
	// otherwise until the first cgroup has been seen under both names.
	prefix atomic.Pointer[string]
}

// openHierarchy opens the hierarchy mounted at root, or finds where it is.
func openHierarchy(root string) (*hierarchy, error) {
	if root == "" {
		found, err := findHierarchy("/proc/self/mountinfo")
		if err != nil {
			return nil, err
		}
		root = found
	}
	var st unix.Statfs_t
	if err := unix.Statfs(root, &st); err != nil {
		return nil, fmt.Errorf("open cgroup hierarchy %s: %w", root, err)
	}
	if st.Type != unix.CGROUP2_SUPER_MAGIC {
		return nil, fmt.Errorf("open cgroup hierarchy %s: not a cgroup v2 file system", root)
	}
	id, err := inode(root)
	if err != nil {
		return nil, fmt.Errorf("open cgroup hierarchy: %w", err)
	}
	h := &hierarchy{root: filepath.Clean(root), rootID: id}
	if id == rootCgroupID {
		h.prefix.Store(new(string))
	}
	return h, nil
}

// findHierarchy returns the mount point of the outermost cgroup v2 mount in a
// mountinfo file: a pod may see its own part at /sys/fs/cgroup and the node's
// elsewhere.
func findHierarchy(mountinfo string) (string, error) {
	data, err := os.ReadFile(mountinfo)
	if err != nil {
		return "", fmt.Errorf("find cgroup hierarchy: %w", err)
	}
	best, bestRank := "", -1
	for line := range strings.Lines(string(data)) {
		root, point, ok := parseMount(line)
		if !ok {
			continue
		}
		if r := rank(root); r > bestRank {
			best, bestRank = point, r
		}
	}
	if best == "" {
		return "", errors.New("find cgroup hierarchy: no cgroup v2 file system is mounted")
	}
	return best, nil
}

// parseMount returns the root and the mount point of a cgroup v2 mount from
// its line in mountinfo (proc_pid_mountinfo(5)).
func parseMount(line string) (root, point string, ok bool) {
	mount, source, ok := strings.Cut(line, " - ")
	if !ok || !strings.HasPrefix(source, "cgroup2 ") {
		return "", "", false
	}
	fields := strings.Fields(mount)
	if len(fields) < 6 {
		return "", "", false
	}
	return unescapeMount(fields[3]), unescapeMount(fields[4]), true
}

// rank orders the roots of mounts: one that climbs out of the reader's cgroup
// namespace shows more than the namespace's own root, which shows more than a
// directory below it.
func rank(root string) int {
	if root == "/" {
		return maxCgroupDepth
	}
	if up := strings.Count(root, "/.."); up > 0 {
		return maxCgroupDepth + up
	}
	return max(0, maxCgroupDepth-strings.Count(root, "/"))
}

// unescapeMount undoes the octal escapes of mountinfo.
func unescapeMount(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+4 <= len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				out.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// id returns the id of the cgroup at p below the root.
func (h *hierarchy) id(p string) (uint64, error) {
	return inode(filepath.Join(h.root, p))
}

// local translates a path that the kernel reported into one below h.root, and
// reports whether that could be done. A path that does not begin with a slash
// lost its beginning and cannot be translated.
func (h *hierarchy) local(id uint64, reported string) (string, bool) {
	if !strings.HasPrefix(reported, "/") || len(reported) > maxPath {
		return "", false
	}
	if prefix := h.prefix.Load(); prefix != nil {
		p, ok := strings.CutPrefix(reported, *prefix)
		if !ok || !strings.HasPrefix(p, "/") {
			return "", false
		}
		return p, true
	}
	for suffix, depth := reported, 0; suffix != "" && depth < maxCgroupDepth; depth++ {
		if got, err := h.id(suffix); err == nil && got == id {
			prefix := strings.TrimSuffix(reported, suffix)
			h.prefix.Store(&prefix)
			return suffix, true
		}
		next := strings.IndexByte(suffix[1:], '/')
		if next < 0 {
			break
		}
		suffix = suffix[1+next:]
	}
	return "", false
}

// members returns the processes in the cgroup at p and in those nested in it,
// and the ids of the nested ones. Cgroups that vanish meanwhile are skipped.
func (h *hierarchy) members(p string) (pids []uint32, nested []uint64) {
	h.walk(p, maxCgroupDepth, func(dir string) {
		pids = append(pids, Processes(filepath.Join(h.root, dir))...)
		if dir == p {
			return
		}
		if id, err := h.id(dir); err == nil {
			nested = append(nested, id)
		}
	})
	return pids, nested
}

// Processes returns the processes in the cgroup of a directory, without those in
// nested ones. A cgroup that is gone has none, and so has a threaded one, whose
// domain lists its processes.
func Processes(dir string) []uint32 {
	data, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return nil
	}
	var pids []uint32
	for field := range strings.FieldsSeq(string(data)) {
		pid, err := strconv.ParseUint(field, 10, 32)
		if err == nil && pid != 0 { // 0: outside of the reader's PID namespace
			pids = append(pids, uint32(pid))
		}
	}
	return pids
}

// walk calls visit for the cgroup at p and those nested in it to a depth.
func (h *hierarchy) walk(p string, depth int, visit func(dir string)) {
	left := maxCgroups
	var step func(p string, depth int)
	step = func(p string, depth int) {
		if left--; left < 0 {
			return
		}
		visit(p)
		if depth == 0 {
			return
		}
		entries, err := os.ReadDir(filepath.Join(h.root, p))
		if err != nil {
			return
		}
		for _, e := range entries {
			if e.IsDir() {
				step(path.Join(p, e.Name()), depth-1)
			}
		}
	}
	step(p, depth)
}

// inode returns the inode number of a directory.
func inode(dir string) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return 0, &fs.PathError{Op: "stat", Path: dir, Err: err}
	}
	return st.Ino, nil
}

// CgroupRoot returns where the cgroup v2 hierarchy is mounted.
func CgroupRoot() (string, error) { return findHierarchy("/proc/self/mountinfo") }
