package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// System call numbers of i386, which `int 0x80` takes in 64-bit programs too.
const (
	i386Open   = 5
	i386Getpid = 20
)

// int80 makes a 32-bit system call. Its arguments are cut to 32 bits.
func int80(nr, a, b, c uintptr) uintptr

func compatCall(string) (string, error) {
	pid := int32(int80(i386Getpid, 0, 0, 0))
	if pid < 0 {
		return "", unix.Errno(-pid)
	}
	return fmt.Sprintf("32-bit getpid returned %d", pid), nil
}

// compatOpen opens path by a 32-bit call. The string has to lie below 4 GiB.
func compatOpen(path string) (string, error) {
	page, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_32BIT)
	if err != nil {
		return "", err
	}
	copy(page, path)
	fd := int32(int80(i386Open, address(page), 0, 0))
	if fd < 0 {
		return "", unix.Errno(-fd)
	}
	return read(int(fd), "through a 32-bit open")
}

const iopl = unix.SYS_IOPL
