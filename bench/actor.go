package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// An actor opens, when told, a file that it has never opened before. The files
// lie in a directory and are named by their numbers.
type actor struct{ *child }

// startActor starts an actor in the cgroup. The directory has the files.
func startActor(c *cgroup, dir string) (*actor, error) {
	ch, err := startChild(actorRole, c, dir)
	if err != nil {
		return nil, err
	}
	return &actor{ch}, nil
}

// open has the actor open a file and returns when it began to, in ns of the
// monotonic clock.
func (a *actor) open(number uint32) (int64, error) {
	var began int64
	if err := a.order(number, &began); err != nil {
		return 0, fmt.Errorf("open file %d: %w", number, err)
	}
	return began, nil
}

// runActor obeys orders until its input ends.
func runActor(dir string, in io.Reader, out io.Writer) error {
	for {
		var number uint32
		if err := binary.Read(in, binary.NativeEndian, &number); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		path, err := syscall.BytePtrFromString(numberedFile(dir, number))
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

// makeFiles makes the files an actor opens.
func makeFiles(dir string, count uint32) error {
	for number := range count {
		if err := os.WriteFile(numberedFile(dir, number), nil, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func numberedFile(dir string, number uint32) string {
	return filepath.Join(dir, strconv.Itoa(int(number)))
}

// monotonicTime returns the time in ns, comparable between processes.
func monotonicTime() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(err) // the clock exists since Linux 2.6
	}
	return t.Nano()
}
