package main

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// From include/uapi/linux/io_uring.h.
const (
	opOpenat       = 18
	enterGetEvents = 1
	enterSQWakeup  = 2
	setupSQPoll    = 2
	offSQRing      = 0
	offCQRing      = 0x8000000
	offSQEs        = 0x10000000
)

type sqOffsets struct {
	head, tail, mask, entries, flags, dropped, array, resv1 uint32
	userAddr                                                uint64
}

type cqOffsets struct {
	head, tail, mask, entries, overflow, cqes, flags, resv1 uint32
	userAddr                                                uint64
}

type uringParams struct {
	sqEntries, cqEntries, flags, sqThreadCPU, sqThreadIdle, features, wqFD uint32
	resv                                                                   [3]uint32
	sq                                                                     sqOffsets
	cq                                                                     cqOffsets
}

type sqe struct {
	opcode, flags uint8
	ioprio        uint16
	fd            int32
	off, addr     uint64
	length, oflag uint32
	userData      uint64
	pad           [3]uint64
}

type cqe struct {
	userData   uint64
	res        int32
	completion uint32
}

// address returns where b lies in memory.
func address(b []byte) uintptr { return uintptr(unsafe.Pointer(&b[0])) }

func at(ring []byte, offset uint32) *uint32 { return (*uint32)(unsafe.Pointer(&ring[offset])) }

// uringOpen opens path without any open system call.
func uringOpen(path string) (string, error) { return uring(path, 0) }

// uringPoll has a thread of the kernel submit the open, so that no call does.
func uringPoll(path string) (string, error) { return uring(path, setupSQPoll) }

func uring(path string, setup uint32) (string, error) {
	p := uringParams{flags: setup, sqThreadIdle: 1000}
	ring, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 4, uintptr(unsafe.Pointer(&p)), 0)
	if errno != 0 {
		return "", os.NewSyscallError("io_uring_setup", errno)
	}
	const prot, flags = unix.PROT_READ | unix.PROT_WRITE, unix.MAP_SHARED | unix.MAP_POPULATE
	sq, err := unix.Mmap(int(ring), offSQRing, int(p.sq.array+p.sqEntries*4), prot, flags)
	if err != nil {
		return "", os.NewSyscallError("mmap", err)
	}
	cq, err := unix.Mmap(int(ring), offCQRing, int(p.cq.cqes)+int(p.cqEntries)*int(unsafe.Sizeof(cqe{})), prot, flags)
	if err != nil {
		return "", os.NewSyscallError("mmap", err)
	}
	entries, err := unix.Mmap(int(ring), offSQEs, int(p.sqEntries)*int(unsafe.Sizeof(sqe{})), prot, flags)
	if err != nil {
		return "", os.NewSyscallError("mmap", err)
	}
	name := append([]byte(path), 0)
	*(*sqe)(unsafe.Pointer(&entries[0])) = sqe{
		opcode: opOpenat, fd: unix.AT_FDCWD, addr: uint64(address(name)), oflag: unix.O_RDONLY,
	}
	*at(sq, p.sq.array) = 0
	atomic.StoreUint32(at(sq, p.sq.tail), *at(sq, p.sq.tail)+1)
	if _, _, errno = unix.Syscall6(unix.SYS_IO_URING_ENTER, ring, 1, 1, enterGetEvents|enterSQWakeup, 0, 0); errno != 0 {
		return "", os.NewSyscallError("io_uring_enter", errno)
	}
	done := (*cqe)(unsafe.Pointer(&cq[p.cq.cqes]))
	if done.res < 0 {
		return "", fmt.Errorf("open %s by io_uring: %w", path, unix.Errno(-done.res))
	}
	return read(int(done.res), "through io_uring from "+path)
}
