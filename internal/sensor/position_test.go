package sensor

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
)

// TestUnreleasedIsReadAgain ends a sensor that read records and released some:
// the next one reads the others again, and none if nothing was to be kept.
func TestUnreleasedIsReadAgain(t *testing.T) {
	tests := map[string]struct {
		keep          bool
		first, second int // times that either call is read again
	}{
		"kept":     {keep: true, second: 1},
		"not kept": {},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			options := Options{PinPath: filepath.Join(bpffs(t), "bobwatch"), Keep: tt.keep}
			first, err := Open(options)
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
			c.act(t, "getppid", nil)
			if n := syscallCount(drain(t, first, c.id), unix.SYS_GETPPID, event.ABINative); n != 1 {
				t.Fatalf("getppid reported %d times, want 1", n)
			}
			first.Release(first.Position())
			c.act(t, "execute", []string{"1", "1"})
			if n := len(drain(t, first, c.id)); n == 0 {
				t.Fatal("nothing was read after the release")
			}
			if err := first.Close(); err != nil { // a killed agent releases nothing either
				t.Fatal(err)
			}

			second, err := Open(options)
			if err != nil {
				t.Fatal(err)
			}
			events := drain(t, second, c.id)
			execs := 0
			for _, ev := range events {
				if ev.Kind == event.KindExec && string(ev.Path) != "" && string(ev.Args) == "true\x00x\x00" {
					execs++
				}
			}
			if got := syscallCount(events, unix.SYS_GETPPID, event.ABINative); got != tt.first || execs != tt.second {
				t.Errorf("getppid was read again %d times and the execution %d times, want %d and %d", got, execs, tt.first, tt.second)
			}
			if err := second.Close(); err != nil {
				t.Fatal(err)
			}
			if err := Unpin(options.PinPath); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// What was read and not released counts as taken until it is released.
func TestUnreleasedTakesRoom(t *testing.T) {
	s := testSensor(t, Options{RingBytes: 64 << 10, Keep: true})
	c := learnPlain(t, s)
	dir := t.TempDir()
	for range 4 {
		c.act(t, "flood", []string{dir, "200"})
		drainAll(t, s)
	}
	if bytes, size := s.Unreleased(); bytes == 0 || bytes > size {
		t.Errorf("%d bytes are kept of %d", bytes, size)
	}
	s.Release(s.Position())
	drainAll(t, s)
	if bytes, _ := s.Unreleased(); bytes != 0 {
		t.Errorf("%d bytes are kept after the release", bytes)
	}
	c.act(t, "flood", []string{dir, "20"})
	if len(drain(t, s, c.id)) == 0 {
		t.Error("nothing is sent after the release")
	}
}
