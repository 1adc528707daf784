package term

import (
	"errors"
	"io"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"bobwatch/internal/testenv"
)

// The last row of a terminal is taken once, and given back.
func TestBottomRow(t *testing.T) {
	t.Setenv("TERM", "xterm")
	user, program := testenv.Terminal(t)
	row := NewBottomRow(program)
	if row == nil {
		t.Fatal("a terminal is taken for a pipe")
	}
	row.Write(strings.Repeat("x", 100))
	row.Write("second")
	row.Clear()
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
