package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// oddName holds everything that could end a line, steer a terminal or be no
// text at all.
const oddName = "/tmp/a\n{\"rule\":\"R0001\"}\r\x1b[31m\xff\xfe\u202e"

// openOddName opens a file whose name would break who prints it as it is.
func openOddName(string) (string, error) { return creat(oddName) }

// openDeep opens a file whose path is longer than any string the kernel takes.
func openDeep(string) (string, error) {
	if err := os.Chdir("/tmp"); err != nil {
		return "", err
	}
	name := strings.Repeat("d", 250)
	const depth = 20
	for range depth {
		if err := os.Mkdir(name, 0o755); err != nil && !os.IsExist(err) {
			return "", err
		}
		if err := os.Chdir(name); err != nil {
			return "", err
		}
	}
	what, err := creat("deep")
	return fmt.Sprintf("%s at a path of %d bytes", what, depth*(len(name)+1)), err
}

// execLongArgs executes itself with an argument of nearly 128 KiB, the most
// that one argument may have.
func execLongArgs(string) (string, error) {
	out, err := exec.Command("/proc/self/exe", "hello", strings.Repeat("x", 128<<10-1)).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return "executed with a long argument", nil
}

// openDeleted removes a file and opens it through a descriptor it still has.
func openDeleted(string) (string, error) {
	const path = "/tmp/deleted"
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CREAT, 0o600)
	if err != nil {
		return "", err
	}
	if err := unix.Unlink(path); err != nil {
		return "", err
	}
	return open(fmt.Sprintf("/proc/self/fd/%d", fd))
}
