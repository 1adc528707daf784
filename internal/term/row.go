package term

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// BottomRow is a status line in the last row of a terminal; other output scrolls above
// it. Clear gives the row back.
type BottomRow struct {
	terminal *os.File
	height   int // of the terminal, when the row was taken
}

// Control sequences of ECMA-48 and DEC's VT100.
const (
	saveCursor    = "\x1b7"
	restoreCursor = "\x1b8"
	eraseRow      = "\x1b[2K"
)

// NewBottomRow returns nil if out is no terminal.
func NewBottomRow(out io.Writer) *BottomRow {
	screen := screenOf(out)
	if screen == nil {
		return nil
	}
	return &BottomRow{terminal: screen}
}

// Write puts text into the row, cut to its width.
func (r *BottomRow) Write(text string) {
	width, height, err := term.GetSize(int(r.terminal.Fd()))
	if err != nil || height < 2 {
		return
	}
	if height != r.height {
		// A new line and back makes sure that the cursor is not in the last row.
		fmt.Fprintf(r.terminal, "\n%s\x1b[1;%dr%s\x1b[1A", saveCursor, height-1, restoreCursor)
		r.height = height
	}
	if len(text) > width { // it is ASCII
		text = text[:width]
	}
	fmt.Fprintf(r.terminal, "%s\x1b[%d;1H%s\x1b[7m%s\x1b[0m%s", saveCursor, height, eraseRow, text, restoreCursor)
}

// Clear gives the row back.
func (r *BottomRow) Clear() {
	if r.height > 0 {
		fmt.Fprintf(r.terminal, "%s\x1b[r\x1b[%d;1H%s%s", saveCursor, r.height, eraseRow, restoreCursor)
	}
}

// ProgressLine is a line on a terminal that is written again and again. Where
// out is none, nothing is written.
type ProgressLine struct {
	out   *os.File
	shown bool
}

// NewProgressLine returns a line that is written to out.
func NewProgressLine(out io.Writer) *ProgressLine {
	return &ProgressLine{out: screenOf(out)}
}

// eraseLine is two control sequences of ECMA-48: to the beginning, and erase.
const eraseLine = "\r\x1b[2K"

// Write replaces the line.
func (p *ProgressLine) Write(text string) {
	if p.out == nil {
		return
	}
	if width, _, err := term.GetSize(int(p.out.Fd())); err == nil && len(text) >= width {
		text = text[:max(width-1, 0)] // it is ASCII
	}
	fmt.Fprint(p.out, eraseLine+strings.TrimSpace(text))
	p.shown = true
}

// Clear removes the line.
func (p *ProgressLine) Clear() {
	if p.shown {
		fmt.Fprint(p.out, eraseLine)
		p.shown = false
	}
}
