package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// execMemfd replaces this program by a copy of itself that has no name in any
// file system.
func execMemfd(string) (string, error) {
	fd, err := memfdOfSelf("payload")
	if err != nil {
		return "", err
	}
	return "", execveat(fd)
}

// execMemfdByPath is execMemfd by the name that /proc gives the descriptor.
func execMemfdByPath(string) (string, error) {
	fd, err := memfdOfSelf("other")
	if err != nil {
		return "", err
	}
	return "", unix.Exec("/proc/self/fd/"+strconv.Itoa(fd), []string{"memfd", "hello"}, os.Environ())
}

// execDeleted executes a file that has no name any more.
func execDeleted(string) (string, error) {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return "", err
	}
	const path = "/tmp/.gone"
	if err := os.WriteFile(path, self, 0o755); err != nil {
		return "", err
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	if err := os.Remove(path); err != nil {
		return "", err
	}
	return "", execveat(fd)
}

// execChain runs itself through a chain of children, twenty deep.
func execChain(depth string) (string, error) {
	n, err := strconv.Atoi(depth)
	if err != nil {
		n = 20
	}
	if n == 0 {
		return "reached the end of the chain", nil
	}
	out, err := exec.Command("/proc/self/exe", "chain", strconv.Itoa(n-1)).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("link %d: %w: %s", n, err, out)
	}
	return "ran a chain of children", nil
}

// execFromThread calls execve in a thread that is not the first.
func execFromThread(string) (string, error) {
	failed := make(chan error)
	for range 4 {
		go func() {
			runtime.LockOSThread()
			if unix.Gettid() == unix.Getpid() {
				select {} // keep the first thread busy
			}
			failed <- unix.Exec("/proc/self/exe", []string{"thread", "hello"}, os.Environ())
		}()
	}
	return "", <-failed
}

func memfdOfSelf(name string) (int, error) {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return 0, err
	}
	fd, err := unix.MemfdCreate(name, 0)
	if err != nil {
		return 0, os.NewSyscallError("memfd_create", err)
	}
	for len(self) > 0 {
		n, err := unix.Write(fd, self)
		if err != nil {
			return 0, os.NewSyscallError("write", err)
		}
		self = self[n:]
	}
	return fd, nil
}

// execveat replaces this program by the one open as fd. It returns only if
// that failed.
func execveat(fd int) error {
	empty := []byte{0}
	argv, err := syscall.SlicePtrFromStrings([]string{"anonymous", "hello"})
	if err != nil {
		return err
	}
	env, err := syscall.SlicePtrFromStrings(os.Environ())
	if err != nil {
		return err
	}
	_, _, errno := unix.Syscall6(unix.SYS_EXECVEAT, uintptr(fd), uintptr(unsafe.Pointer(&empty[0])),
		uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&env[0])), unix.AT_EMPTY_PATH, 0)
	return os.NewSyscallError("execveat", errno)
}
