package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
	"bobwatch/internal/observe"
	"bobwatch/internal/workload"
)

// A pipe gets a line now and then, and the recording ends when nothing new has
// come for long enough.
func TestCounterInPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recorder := observe.NewRecorder()
		s := &observe.Subject{Container: workload.Container{Name: "web"}}
		recorder.Begin(s)
		var out bytes.Buffer
		c := newCounter(&out, recorder)
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		go func() {
			time.Sleep(15 * time.Second)
			recorder.Act(s, newsEvent(event.KindExec, func(ev *event.Event) { ev.Path = []byte("/bin/true") }))
		}()
		c.run(ctx, 20*time.Second, cancel)
		if got := time.Since(began).Round(time.Second); got != 35*time.Second {
			t.Errorf("ended after %s, want 35s: 20s after the last news", got)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		want := "recording for 20s: 0 system calls, 1 execution, 0 opens; nothing new for 5s"
		if len(lines) != 3 || lines[1] != want {
			t.Errorf("wrote %q, want three lines, the second %q", lines, want)
		}
	})
}

// newTerminal returns the two ends of a terminal of 10 rows of 40 columns.
func newTerminal(t *testing.T) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { user.Close() })
	fd := int(user.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 10, Col: 40}); err != nil {
		t.Fatal(err)
	}
	return user, program
}

// On a terminal the last row is the counter's, and given back.
func TestCounterOnTerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	user, program := newTerminal(t)
	c := newCounter(program, observe.NewRecorder())
	if c.row == nil {
		t.Fatal("a terminal is taken for a pipe")
	}
	c.row.write(strings.Repeat("x", 100))
	c.row.write("second")
	c.row.clear()
	program.Close()
	text, err := io.ReadAll(user) // what is written arrives in any number of parts
	if err != nil && !errors.Is(err, unix.EIO) {
		t.Fatal(err)
	}
	got := string(text)
	for _, want := range []string{
		"\x1b[1;9r",  // what is written otherwise scrolls above the last row
		"\x1b[10;1H", // which is the tenth
		"\x1b[7m" + strings.Repeat("x", 40) + "\x1b[0m", // and 40 columns wide
		"second",
		"\x1b[r", // all rows scroll again
	} {
		if !strings.Contains(got, want) {
			t.Errorf("wrote %q, want %q in it", got, want)
		}
	}
	if strings.Count(got, saveCursor) != strings.Count(got, restoreCursor) {
		t.Errorf("wrote %q, which moves the cursor", got)
	}
	if strings.Count(got, "\x1b[1;9r") != 1 {
		t.Errorf("wrote %q, which takes the row twice", got)
	}
}
