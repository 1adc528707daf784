// Package search finds the sensitive files of a running container.
//
// Its invariant: no link leads it out of the container, and a container cannot
// make it read without end.
package search

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"bobwatch/internal/sensitive"
	"bobwatch/internal/severity"
)

// The bounds of a search for sensitive files. A container may have made the
// directories.
const (
	maxFiles   = 128
	maxEntries = 20_000
)

// roots are where sensitive files are looked for, and how deep.
var roots = []struct {
	path  string
	depth int
}{
	{"run/secrets", 6}, {"var/run/secrets", 6}, {"etc", 3}, {"root", 3}, {"home", 4}, {"var/spool/cron", 3}, {"var/www", 3}, {"srv", 3},
}

// File is an open file by its path in the container.
type File struct {
	*os.File
	Path string
}

// Find opens the sensitive files below the root of a process. No link
// is followed out of it.
func Find(pid uint32) ([]File, error) {
	root, err := unix.Open(fmt.Sprintf("/proc/%d/root", pid), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open root of process %d: %w", pid, err)
	}
	defer unix.Close(root)
	s := search{entries: maxEntries}
	var errs []error
	for _, r := range roots {
		errs = append(errs, s.directory(root, r.path, "/"+r.path, r.depth))
	}
	return s.files, errors.Join(errs...)
}

type search struct {
	files   []File
	entries int // that may be looked at still
}

// directory searches name below parent, which is at a path in the container.
func (s *search) directory(parent int, name, at string, depth int) error {
	fd, err := unix.Openat2(parent, name, &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC | unix.O_NONBLOCK,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	})
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR) ||
		errors.Is(err, unix.EACCES) {
		return nil // its files are known by name
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", at, err)
	}
	dir := os.NewFile(uintptr(fd), at)
	defer dir.Close()
	for s.entries > 0 && len(s.files) < maxFiles {
		entries, err := dir.ReadDir(64)
		for _, entry := range entries {
			s.entries--
			child := at + "/" + entry.Name()
			switch {
			case entry.IsDir() && depth > 1:
				if err := s.directory(fd, entry.Name(), child, depth-1); err != nil {
					return err
				}
			case entry.Type().IsRegular():
				s.add(fd, entry.Name(), child)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", at, err)
		}
	}
	return nil
}

func (s *search) add(parent int, name, at string) {
	grade, ok := sensitive.Grade([]byte(at))
	if !ok || grade < severity.High || len(s.files) >= maxFiles {
		return
	}
	fd, err := unix.Openat(parent, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err == nil {
		s.files = append(s.files, File{os.NewFile(uintptr(fd), at), at})
	}
}
