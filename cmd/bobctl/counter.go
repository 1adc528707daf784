package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"bobwatch/internal/observe"
)

// How often the counter is written.
const (
	drawInterval = 200 * time.Millisecond // on a terminal
	lineInterval = 10 * time.Second       // elsewhere
)

// counter says what a recording has found so far: on a terminal all the time in
// the last row, elsewhere a line now and then.
type counter struct {
	out      io.Writer
	row      *bottomRow // nil if out is no terminal
	recorder *observe.Recorder
	began    time.Time
}

func newCounter(out io.Writer, recorder *observe.Recorder) *counter {
	c := &counter{out: out, recorder: recorder, began: time.Now()}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb" {
		c.row = &bottomRow{terminal: file}
	}
	return c
}

// run counts until ctx ends. It calls enough when nothing new has come for the
// time quiet, if that is not 0.
func (c *counter) run(ctx context.Context, quiet time.Duration, enough func()) {
	ticker := time.NewTicker(drawInterval)
	defer ticker.Stop()
	if c.row != nil {
		defer c.row.clear()
	}
	written := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			p := c.recorder.Progress()
			idle := now.Sub(p.Last)
			switch {
			case c.row != nil:
				c.row.write(c.text(p, now, idle))
			case now.Sub(written) >= lineInterval:
				written = now
				fmt.Fprintln(c.out, c.text(p, now, idle))
			}
			if quiet > 0 && idle >= quiet {
				enough()
			}
		}
	}
}

func (c *counter) text(p observe.Progress, now time.Time, idle time.Duration) string {
	text := fmt.Sprintf("recording for %s: %s", now.Sub(c.began).Round(time.Second), countsOf(p))
	if p.Lost > 0 {
		text += fmt.Sprintf(", %d lost", p.Lost)
	}
	return text + fmt.Sprintf("; nothing new for %s", max(0, idle).Round(time.Second))
}

// bottomRow is the last row of a terminal, which what is written otherwise
// scrolls past. It is given back by clear.
type bottomRow struct {
	terminal *os.File
	height   int // of the terminal, when the row was taken
}

// Control sequences of ECMA-48 and DEC's VT100.
const (
	saveCursor    = "\x1b7"
	restoreCursor = "\x1b8"
	eraseRow      = "\x1b[2K"
)

func (r *bottomRow) write(text string) {
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

func (r *bottomRow) clear() {
	if r.height > 0 {
		fmt.Fprintf(r.terminal, "%s\x1b[r\x1b[%d;1H%s%s", saveCursor, r.height, eraseRow, restoreCursor)
	}
}
