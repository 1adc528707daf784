package sensor

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
	"bobwatch/internal/testenv"
)

// bpffs mounts a bpffs of the test's own.
func bpffs(t *testing.T) string {
	t.Helper()
	testenv.Root(t)
	dir := t.TempDir()
	if err := unix.Mount("bpffs", dir, "bpf", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestKernelGoesOnWithoutAgent(t *testing.T) {
	pins := filepath.Join(bpffs(t), "bobwatch")
	first, err := Open(Options{PinPath: pins})
	if err != nil {
		t.Fatal(err)
	}
	c := newCgroup(t)
	if err := first.SetPlain(c.id); err != nil {
		t.Fatal(err)
	}
	if err := first.Learn(c.id, Known{}); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	c.act(t, "getppid", nil) // nobody reads

	second, err := Open(Options{PinPath: pins})
	if err != nil {
		t.Fatal(err)
	}
	if got := syscallCount(drain(t, second, c.id), unix.SYS_GETPPID, event.ABINative); got != 1 {
		t.Errorf("getppid reported %d times to the second agent, want 1", got)
	}
	c.act(t, "getppid", nil)
	if got := syscallCount(drain(t, second, c.id), unix.SYS_GETPPID, event.ABINative); got != 0 {
		t.Errorf("known getppid reported %d times", got)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Unpin(pins); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(pins); !os.IsNotExist(err) {
		t.Errorf("after Unpin: %v", err)
	}
}

func TestUnfitPinsAreReplaced(t *testing.T) {
	pins := filepath.Join(bpffs(t), "bobwatch")
	for _, size := range []uint32{1 << 20, 2 << 20} {
		s, err := Open(Options{PinPath: pins, RingBytes: size})
		if err != nil {
			t.Fatal(err)
		}
		stats, err := s.Stats()
		if err != nil {
			t.Fatal(err)
		}
		if stats.RingBytes != uint64(size) {
			t.Errorf("ring buffer of %d bytes, want %d", stats.RingBytes, size)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := Unpin(pins); err != nil {
		t.Fatal(err)
	}
}
