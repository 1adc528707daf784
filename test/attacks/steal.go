package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// passDescriptor opens path and hands the descriptor to another socket, whose
// reader never opened anything.
func passDescriptor(path string) (string, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return "", err
	}
	fd, err := unix.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		return "", err
	}
	if err := unix.Sendmsg(pair[0], []byte("x"), unix.UnixRights(fd), nil, 0); err != nil {
		return "", err
	}
	unix.Close(fd)
	oob := make([]byte, unix.CmsgSpace(4))
	if _, _, _, _, err := unix.Recvmsg(pair[1], make([]byte, 1), oob, 0); err != nil {
		return "", err
	}
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return "", err
	}
	got, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return "", err
	}
	return read(got[0], "through a descriptor from a socket")
}

// pathOnly opens path without access, and then the descriptor by its name.
func pathOnly(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_PATH, 0)
	if err != nil {
		return "", err
	}
	return open(fmt.Sprintf("/proc/self/fd/%d", fd))
}

// raceDescriptor opens path again and again while another thread replaces the
// descriptor, until it was not in time.
func raceDescriptor(path string) (string, error) {
	harmless, err := unix.Open("/dev/null", unix.O_RDONLY, 0)
	if err != nil {
		return "", err
	}
	expected := harmless + 10 // the runtime may take some below
	var stop atomic.Bool
	defer stop.Store(true)
	go func() {
		runtime.LockOSThread()
		for !stop.Load() {
			_ = unix.Dup3(harmless, expected, 0)
		}
	}()
	for end := time.Now().Add(200 * time.Millisecond); time.Now().Before(end); {
		fd, err := unix.Open(path, unix.O_RDONLY, 0)
		if err != nil {
			return "", err
		}
		unix.Close(fd)
	}
	return "opened " + path + " beside a thread that replaces descriptors", nil
}

// inThread opens path in a thread of a threaded cgroup, or of another root.
func inThread(path string) (string, error) {
	type result struct {
		what string
		err  error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_FILES); err != nil {
			done <- result{"", err}
			return
		}
		what, err := open(path)
		done <- result{what + " in a thread with files of its own", err}
	}()
	r := <-done
	return r.what, r.err
}

// stealDescriptor takes a descriptor out of another process.
func stealDescriptor(string) (string, error) {
	pid, err := unix.PidfdOpen(os.Getppid(), 0)
	if err != nil {
		return "", os.NewSyscallError("pidfd_open", err)
	}
	defer unix.Close(pid)
	fd, err := unix.PidfdGetfd(pid, 0, 0)
	if err != nil {
		return "", os.NewSyscallError("pidfd_getfd", err)
	}
	return "took a descriptor of the parent", unix.Close(fd)
}

// execDescriptor executes a program by a descriptor that cannot be read.
func execDescriptor(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_PATH, 0)
	if err != nil {
		return "", err
	}
	return "", execveat(fd)
}

// forgeName executes path under the name of a program that the workload runs.
func forgeName(path string) (string, error) {
	name := append([]byte("cat"), 0)
	if err := unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name[0])), 0, 0, 0); err != nil {
		return "", err
	}
	return "", unix.Exec(path, []string{"cat", "/tmp/greeting"}, os.Environ())
}

// manyProcesses starts as many children as the argument says, all alive at a
// time, and lets the last one open a file.
func manyProcesses(count string) (string, error) {
	n, err := strconv.Atoi(count)
	if err != nil {
		return "", err
	}
	gate, closer, err := os.Pipe()
	if err != nil {
		return "", err
	}
	var children []*exec.Cmd
	for range n {
		child := exec.Command("/proc/self/exe", "hello")
		child.Stdin = gate
		if err := child.Start(); err != nil {
			return "", err
		}
		children = append(children, child)
	}
	closer.Close()
	for _, child := range children {
		if err := child.Wait(); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("started %d children", n), nil
}

// openBound mounts path over a file that the workload reads, and opens that.
func openBound(path string) (string, error) {
	const allowed = "/tmp/greeting"
	if _, err := creat(allowed); err != nil {
		return "", err
	}
	if err := unix.Mount(path, allowed, "", unix.MS_BIND, ""); err != nil {
		return "", os.NewSyscallError("mount", err)
	}
	what, err := open(allowed)
	return what, errors.Join(err, unix.Unmount(allowed, 0))
}

// openOverlay opens path on an overlay file system of its own.
func openOverlay(path string) (string, error) {
	const dir = "/dev/shm/overlay"
	for _, name := range []string{"upper", "work", "merged"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			return "", err
		}
	}
	merged := filepath.Join(dir, "merged")
	options := "lowerdir=" + filepath.Dir(path) + ",upperdir=" + dir + "/upper,workdir=" + dir + "/work"
	if err := unix.Mount("overlay", merged, "overlay", 0, options); err != nil {
		return "", os.NewSyscallError("mount", err)
	}
	what, err := open(filepath.Join(merged, filepath.Base(path)))
	return what, errors.Join(err, unix.Unmount(merged, 0))
}
