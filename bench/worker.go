package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"syscall"
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

// workOrder is what a worker is told; it answers with the CPU time that it took,
// an int64 in ns.
type workOrder struct {
	Act   act
	Count uint32
}

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
		var o workOrder
		if err := binary.Read(in, binary.NativeEndian, &o); errors.Is(err, io.EOF) {
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

// A worker does an act many times and says how long that took.
type worker struct{ *child }

// startWorker starts a worker in a cgroup of its own, named after the place, or
// beside the bench itself.
func startWorker(root, place string) (worker, error) {
	if place == hostPlace {
		ch, err := startChild(workerRole, nil)
		return worker{ch}, err
	}
	ch, err := startChildIn(root, place, workerRole)
	return worker{ch}, err
}

// do has the worker do a slice of the act and returns the CPU time of one, in ns.
func (w worker) do(a act) (float64, error) {
	var ns int64
	if err := w.order(workOrder{a, a.slice()}, &ns); err != nil {
		return 0, fmt.Errorf("%s: %w", a, err)
	}
	return float64(ns) / float64(a.slice()), nil
}

// warmUp has the worker do a slice of every act.
func (w worker) warmUp() error {
	for a := range nActs {
		if _, err := w.do(a); err != nil {
			return err
		}
	}
	return nil
}
