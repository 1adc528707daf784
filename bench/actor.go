package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// An actor opens, when told, a file that it has not opened before. The order is
// an index of actorFiles, a uint32; the answer is when it began to, an int64 in
// ns of the monotonic clock.
type actor struct{ *child }

// actorFiles lists files that every machine has many of. Their names are words:
// the agent takes numbered ones for one.
func actorFiles() ([]string, error) {
	entries, err := os.ReadDir("/usr/bin")
	if err != nil {
		return nil, fmt.Errorf("list files to open: %w", err)
	}
	var files []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			files = append(files, filepath.Join("/usr/bin", e.Name()))
		}
	}
	return files, nil
}

// startActor starts an actor in a cgroup of its own.
func startActor(root, name string) (actor, error) {
	ch, err := startChildIn(root, name, actorRole)
	return actor{ch}, err
}

func (a actor) open(file uint32) (began int64, err error) {
	err = a.order(file, &began)
	return began, err
}

// runActor obeys orders until its input ends.
func runActor(in io.Reader, out io.Writer) error {
	files, err := actorFiles()
	if err != nil {
		return err
	}
	for {
		var file uint32
		if err := binary.Read(in, binary.NativeEndian, &file); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		path, err := syscall.BytePtrFromString(files[file])
		if err != nil {
			return err
		}
		began := monotonicTime()
		fd, errno := rawOpen(path)
		if errno != 0 {
			return errno
		}
		err = binary.Write(out, binary.NativeEndian, began)
		if err := errors.Join(err, syscall.Close(int(fd))); err != nil {
			return err
		}
	}
}

// monotonicTime returns the time in ns, comparable between processes.
func monotonicTime() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(err) // the clock exists since Linux 2.6
	}
	return t.Nano()
}
