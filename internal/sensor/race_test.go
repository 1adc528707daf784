package sensor

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
)

// replaceDescriptors opens many names, one after the other, while another thread
// replaces the descriptor that each is about to get.
func replaceDescriptors(dir string, names int) int {
	harmless, err := unix.Open("/dev/null", unix.O_RDONLY, 0)
	if err != nil {
		return 1
	}
	expected := harmless + 1 // the lowest that is free
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		for !stop.Load() {
			_ = unix.Dup3(harmless, expected, 0)
		}
	}()
	runtime.LockOSThread()
	for i := range names {
		unix.Close(expected)
		fd, err := unix.Open(filepath.Join(dir, "secret"+strconv.Itoa(i)), unix.O_RDONLY, 0)
		if err != nil {
			return 1
		}
		if fd != expected {
			unix.Close(fd)
		}
	}
	stop.Store(true)
	<-done
	return 0
}

// TestRaceForDescriptor has a thread replace descriptors while another opens
// files. A hook on the file itself sees all of them; without, some are hidden.
func TestRaceForDescriptor(t *testing.T) {
	const names = 1000
	s := testSensor(t, Options{})
	c := learnPlain(t, s)
	dir := realDir(t)
	for i := range names {
		if err := os.WriteFile(filepath.Join(dir, "secret"+strconv.Itoa(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	drain(t, s, 0)
	c.act(t, "replace descriptors", []string{dir, strconv.Itoa(names)})
	seen := map[string]bool{}
	for _, ev := range drain(t, s, c.id) {
		if ev.Kind == event.KindOpen && strings.HasPrefix(string(ev.Path), dir+"/secret") {
			seen[string(ev.Path)] = true
		}
	}
	hidden := names - len(seen)
	traced := slices.ContainsFunc(s.Hooks(), func(hook string) bool { return strings.HasPrefix(hook, "handle_file_opened") })
	t.Logf("%d of %d opens were hidden; a hook on files: %t", hidden, names, traced)
	if traced && hidden > 0 || len(seen) == 0 {
		t.Errorf("%d of %d opens were reported", len(seen), names)
	}
	if traced != (openFunction() != "") {
		t.Errorf("a hook on files: %t, and the kernel takes one: %t", traced, !traced)
	}
}

// openByHandle has the kernel open a file for itself, which no exit of an open
// follows, and then opens another one without a path.
func openByHandle(dir string) int {
	name, err := unix.BytePtrFromString(filepath.Join(dir, "harmless"))
	if err != nil {
		return 1
	}
	handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, filepath.Join(dir, "secret"), 0)
	if err != nil {
		return 1
	}
	mount, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return 1
	}
	runtime.LockOSThread()
	if _, _, errno := unix.RawSyscall(unix.SYS_SWAPON, uintptr(unsafe.Pointer(name)), 0, 0); errno == 0 {
		return 1
	}
	if _, err := unix.OpenByHandleAt(mount, handle, unix.O_RDONLY); err != nil {
		return 1
	}
	return 0
}

// TestOpenByHandle opens a file by its handle after an open that has no exit.
func TestOpenByHandle(t *testing.T) {
	s := testSensor(t, Options{})
	c := learnPlain(t, s)
	dir, err := os.MkdirTemp("/dev/shm", "bobwatch-handle-") // other file systems may know no handles
	if err != nil {
		dir = realDir(t)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, name := range []string{"harmless", "secret"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	drain(t, s, 0)
	c.act(t, "open by handle", []string{dir})
	if findPath(drain(t, s, c.id), event.KindOpen, filepath.Join(dir, "secret")) == nil {
		t.Error("the open by handle is not reported")
	}
}
