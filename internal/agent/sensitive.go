package agent

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
	"bobwatch/internal/sensitive"
	"bobwatch/internal/sensor"
	"bobwatch/internal/severity"
)

// The bounds of a search for sensitive files. A container may have made the
// directories.
const (
	maxSensitiveFiles   = 128
	maxSensitiveEntries = 20_000
)

// sensitiveRoots are where sensitive files are looked for, and how deep.
var sensitiveRoots = []struct {
	path  string
	depth int
}{
	{"run/secrets", 6}, {"var/run/secrets", 6}, {"etc", 3}, {"root", 3}, {"home", 4}, {"var/spool/cron", 3}, {"var/www", 3}, {"srv", 3},
}

// sensitiveFile is an open file by its path in the container.
type sensitiveFile struct {
	file *os.File
	path string
}

// markSensitive makes the kernel know the instance's sensitive files by identity,
// once. pid is a process that is in the container. What cannot be found is still
// known by name.
func (c *containers) markSensitive(in *instance, pid uint32) {
	if in.marked {
		return
	}
	in.marked = true
	id := in.Container.CgroupID
	go func() {
		files, err := findSensitive(pid)
		if err != nil {
			c.log.Debug("look for sensitive files", zap.String("container", in.Container.ID), zap.Error(err))
		}
		if len(files) == 0 && err == nil {
			return
		}
		c.post(c.ctx, func() {
			in.marked = len(files) > 0 // or the next process is asked
			for _, f := range files {
				if c.byCgroup[id] == in {
					if err := c.watcher.MarkSensitive(id, int(f.file.Fd()), f.path); err != nil && !errors.Is(err, sensor.ErrNotWatched) {
						c.log.Warn("mark sensitive file", zap.Error(err))
					}
				}
				f.file.Close()
			}
		})
	}()
}

// findSensitive opens the sensitive files below the root of a process. No link
// is followed out of it.
func findSensitive(pid uint32) ([]sensitiveFile, error) {
	root, err := unix.Open(fmt.Sprintf("/proc/%d/root", pid), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open root of process %d: %w", pid, err)
	}
	defer unix.Close(root)
	s := sensitiveSearch{entries: maxSensitiveEntries}
	var errs []error
	for _, r := range sensitiveRoots {
		errs = append(errs, s.directory(root, r.path, "/"+r.path, r.depth))
	}
	return s.files, errors.Join(errs...)
}

type sensitiveSearch struct {
	files   []sensitiveFile
	entries int // that may be looked at still
}

// directory searches name below parent, which is at a path in the container.
func (s *sensitiveSearch) directory(parent int, name, at string, depth int) error {
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
	for s.entries > 0 && len(s.files) < maxSensitiveFiles {
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

func (s *sensitiveSearch) add(parent int, name, at string) {
	grade, ok := sensitive.Grade([]byte(at))
	if !ok || grade < severity.High || len(s.files) >= maxSensitiveFiles {
		return
	}
	fd, err := unix.Openat(parent, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err == nil {
		s.files = append(s.files, sensitiveFile{os.NewFile(uintptr(fd), at), at})
	}
}

// byObject returns an open of a sensitive file by another name as one by the
// file's own, nil for any other event. A volume may be mounted in several places
// from the start, so of its files the last name alone counts.
func byObject(ev *event.Event) *event.Event {
	opened := strings.TrimPrefix(string(ev.Path), "outside:")
	if ev.Object == "" || ev.Object == opened || ev.Has(event.FlagMount) && path.Base(ev.Object) == path.Base(opened) {
		return nil
	}
	object := ev.Clone()
	object.Path = []byte(ev.Object)
	return object
}
