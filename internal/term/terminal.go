// Package term is bobctl's input and output: texts that a terminal cannot mistake for
// commands, colours, columns, rows that are rewritten, questions.
package term

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// Terminal is where a command reads and writes.
type Terminal struct {
	In       io.Reader
	Out, Err io.Writer
	Colours  bool // of out
}

// Colours, as of ECMA-48.
const (
	Red    = "31"
	Green  = "32"
	Yellow = "33"
	Cyan   = "36"
	Bold   = "1"
	Dim    = "2"
)

// Colour returns text in a colour, or as it is where out has none.
func (t *Terminal) Colour(code, text string) string {
	if !t.Colours || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// screenOf returns the terminal that out is and that obeys control sequences,
// nil if it is none.
func screenOf(out io.Writer) *os.File {
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb" {
		return file
	}
	return nil
}

// Clear makes room on a terminal for text that replaces what it shows, and
// writes a line with the time elsewhere.
func (t *Terminal) Clear() {
	if screen := screenOf(t.Out); screen != nil {
		fmt.Fprint(screen, "\x1b[H\x1b[2J\x1b[3J")
		return
	}
	fmt.Fprintf(t.Out, "--- %s\n", time.Now().Format(time.RFC3339))
}
