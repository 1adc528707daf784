package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An act is what a worker does over and over.
type act uint32

const (
	getppid act = iota // the shortest system call
	open               // openat and close of a file that is known after the first time
	nActs
)

func (a act) String() string { return [...]string{"getppid", "open"}[a] }

// slice is how often a worker does the act between two looks at the clock:
// some 20 ms. Longer slices meet more of what else the machine does.
func (a act) slice() uint32 { return [...]uint32{100_000, 8_000}[a] }

// openedFile is a file that every distribution has, at a usual depth.
const openedFile = "/usr/lib/os-release"

// order is what the bench writes to a worker's standard input; the worker
// answers with the CPU time it took, in ns.
type order struct {
	Act   act
	Count uint32
}

// workerArg is the first argument of a process that is a worker.
const workerArg = "worker"

// runWorker obeys orders until its input ends. It keeps to the last CPU, so
// that slices do not differ by where they ran.
func runWorker(in io.Reader, out io.Writer) error {
	runtime.LockOSThread()
	var cpus unix.CPUSet
	cpus.Set(runtime.NumCPU() - 1)
	if err := unix.SchedSetaffinity(0, &cpus); err != nil {
		return fmt.Errorf("pin worker: %w", err)
	}
	path := append([]byte(openedFile), 0)
	for {
		var o order
		if err := binary.Read(in, binary.NativeEndian, &o); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		start := threadTime()
		var errno syscall.Errno
		switch o.Act {
		case getppid:
			errno = callGetppid(o.Count)
		case open:
			errno = callOpen(&path[0], o.Count)
		}
		if errno != 0 {
			return fmt.Errorf("%s: %w", o.Act, errno)
		}
		if err := binary.Write(out, binary.NativeEndian, threadTime()-start); err != nil {
			return err
		}
	}
}

func callGetppid(count uint32) (errno syscall.Errno) {
	for range count {
		_, _, errno = syscall.RawSyscall(syscall.SYS_GETPPID, 0, 0, 0)
	}
	return errno
}

func callOpen(path *byte, count uint32) syscall.Errno {
	for range count {
		fd, errno := rawOpen(path)
		if errno != 0 {
			return errno
		}
		if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOSE, fd, 0, 0); errno != 0 {
			return errno
		}
	}
	return 0
}

func rawOpen(path *byte) (fd uintptr, errno syscall.Errno) {
	cwd := unix.AT_FDCWD // negative, so it cannot be a constant uintptr
	fd, _, errno = syscall.RawSyscall6(syscall.SYS_OPENAT, uintptr(cwd),
		uintptr(unsafe.Pointer(path)), syscall.O_RDONLY|syscall.O_CLOEXEC, 0, 0, 0)
	return fd, errno
}

// threadTime returns the CPU time of this thread in ns.
func threadTime() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err) // the clock exists since Linux 2.6
	}
	return t.Nano()
}

// A worker is a process that does what it is told, in a cgroup and a mount
// namespace of its own, as a container's would be.
type worker struct {
	cmd    *exec.Cmd
	cgroup *cgroup // nil beside the bench itself
	orders io.WriteCloser
	times  io.ReadCloser
}

// startWorker starts a worker in a cgroup, or beside the bench itself if that
// is nil. The cgroup goes away with the worker.
func startWorker(c *cgroup) (*worker, error) {
	w := &worker{cmd: exec.Command("/proc/self/exe", workerArg), cgroup: c}
	w.cmd.Stderr = os.Stderr
	if c != nil {
		dir, err := os.Open(c.dir)
		if err != nil {
			return nil, fmt.Errorf("start worker: %w", err)
		}
		defer dir.Close()
		w.cmd.SysProcAttr = &syscall.SysProcAttr{
			UseCgroupFD: true,
			CgroupFD:    int(dir.Fd()),
			Cloneflags:  syscall.CLONE_NEWNS,
		}
	}
	var err1, err2 error
	w.orders, err1 = w.cmd.StdinPipe()
	w.times, err2 = w.cmd.StdoutPipe()
	if err := errors.Join(err1, err2, w.cmd.Start()); err != nil {
		return nil, fmt.Errorf("start worker: %w", err)
	}
	return w, nil
}

// do has the worker do a slice of the act and returns the CPU time of one, in ns.
func (w *worker) do(a act) (float64, error) {
	var ns int64
	err := binary.Write(w.orders, binary.NativeEndian, order{a, a.slice()})
	if err == nil {
		err = binary.Read(w.times, binary.NativeEndian, &ns)
	}
	if err != nil {
		return 0, fmt.Errorf("order worker to %s: %w", a, err)
	}
	return float64(ns) / float64(a.slice()), nil
}

// stop ends the worker, waits for it and removes its cgroup.
func (w *worker) stop() error {
	err := errors.Join(w.orders.Close(), w.cmd.Wait())
	if w.cgroup != nil {
		err = errors.Join(err, w.cgroup.remove())
	}
	return err
}

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
