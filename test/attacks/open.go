package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// benign is a file that every workload may read.
const benign = "/etc/ld.so.cache"

// read says what was read from fd, and closes it.
func read(fd int, how string) (string, error) {
	defer unix.Close(fd)
	buf := make([]byte, 16)
	n, err := unix.Read(fd, buf)
	if errors.Is(err, unix.EIO) {
		n, err = 0, nil // the first page of a process is not mapped; it is open all the same
	}
	return fmt.Sprintf("read %d bytes %s", n, how), err
}

func open(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		return "", err
	}
	return read(fd, "from "+path)
}

func openat2(path string) (string, error) {
	fd, err := unix.Openat2(unix.AT_FDCWD, path, &unix.OpenHow{Flags: unix.O_RDONLY})
	if err != nil {
		return "", err
	}
	return read(fd, "through openat2 from "+path)
}

func creat(path string) (string, error) {
	fd, err := unix.Creat(path, 0o644)
	if err != nil {
		return "", err
	}
	return "created " + path, unix.Close(fd)
}

func write(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_APPEND, 0o644)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte("# written by the attack\n"))
	return "wrote to " + path, err
}

// openRelative opens path by its last component, from a descriptor of its
// directory.
func openRelative(path string) (string, error) {
	dir, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(dir)
	fd, err := unix.Openat(dir, filepath.Base(path), unix.O_RDONLY, 0)
	if err != nil {
		return "", err
	}
	return read(fd, "relative to its directory")
}

func openSymlink(path string) (string, error) {
	const link = "/tmp/harmless.txt"
	_ = os.Remove(link)
	if err := os.Symlink(path, link); err != nil {
		return "", err
	}
	return open(link)
}

func openHardlink(path string) (string, error) {
	const link = "/tmp/hardlink.txt"
	_ = os.Remove(link)
	if err := os.Link(path, link); err != nil {
		return "", err
	}
	return open(link)
}

func openMagicLink(path string) (string, error) {
	return open("/proc/self/root" + path)
}

func openByHandle(path string) (string, error) {
	handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, path, 0)
	if err != nil {
		return "", os.NewSyscallError("name_to_handle_at", err)
	}
	mount, err := unix.Open(filepath.Dir(path), unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return "", err
	}
	fd, err := unix.OpenByHandleAt(mount, handle, unix.O_RDONLY)
	if err != nil {
		return "", os.NewSyscallError("open_by_handle_at", err)
	}
	return read(fd, "by handle")
}

// racePath opens path while another thread keeps changing the string to that
// of a harmless file, so that who reads the string reads the wrong one.
func racePath(path string) (string, error) {
	hostile, harmless := []byte(path+"\x00"), []byte(benign+"\x00")
	shared := make([]byte, max(len(hostile), len(harmless)))
	var stop atomic.Bool
	defer stop.Store(true)
	go func() {
		for !stop.Load() {
			copy(shared, harmless)
			copy(shared, hostile)
		}
	}()
	var want unix.Stat_t
	if err := unix.Stat(path, &want); err != nil {
		return "", err
	}
	won := 0
	for range 20000 {
		fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, ^uintptr(99), uintptr(unsafe.Pointer(&shared[0])), 0, 0, 0, 0)
		if errno != 0 {
			continue
		}
		var got unix.Stat_t
		if unix.Fstat(int(fd), &got) == nil && got.Ino == want.Ino && got.Dev == want.Dev {
			won++
		}
		unix.Close(int(fd))
	}
	if won == 0 {
		return "", unix.EACCES
	}
	return fmt.Sprintf("opened %s %d times in a race", path, won), nil
}

// spray opens as many distinct new files as the argument says; none is kept.
func spray(count string) (string, error) {
	n, err := strconv.Atoi(count)
	if err != nil {
		n = 100_000
	}
	for i := range n {
		path := "/tmp/spray-" + strconv.Itoa(i)
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_CREAT, 0o600)
		if err != nil {
			return "", err
		}
		unix.Close(fd)
		if err := unix.Unlink(path); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("opened %d distinct files", n), nil
}
