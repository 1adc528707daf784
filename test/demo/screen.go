package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// The colours that the terminal's user chose for these numbers.
const (
	red   = "\x1b[31m"
	green = "\x1b[32m"
	bold  = "\x1b[1m"
	faint = "\x1b[2m"
	plain = "\x1b[0m"
)

// screen prints what happens: in colour on a terminal, plain elsewhere.
type screen struct {
	out      *os.File
	terminal bool
	colour   bool
}

func newScreen(out *os.File) *screen {
	terminal := term.IsTerminal(int(out.Fd()))
	return &screen{out: out, terminal: terminal, colour: terminal && os.Getenv("NO_COLOR") == ""}
}

func (s *screen) paint(colour, text string) string {
	if !s.colour {
		return text
	}
	return colour + text + plain
}

func (s *screen) step(format string, args ...any) {
	fmt.Fprintln(s.out, s.paint(bold, fmt.Sprintf(format, args...)))
}

func (s *screen) good(format string, args ...any) {
	fmt.Fprintln(s.out, "  "+s.paint(green, "✓"), fmt.Sprintf(format, args...))
}

func (s *screen) bad(format string, args ...any) {
	fmt.Fprintln(s.out, "  "+s.paint(red, "✗"), fmt.Sprintf(format, args...))
}

// quote prints what a program said.
func (s *screen) quote(text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintln(s.out, "    "+s.paint(faint, strings.TrimRight(line, "\n")))
	}
}

// progress is how much of a span of time has passed.
type progress struct {
	bar   *progressbar.ProgressBar // nil where there is no terminal
	start time.Time
}

func (s *screen) progress(span time.Duration) *progress {
	p := &progress{start: time.Now()}
	if s.terminal {
		p.bar = progressbar.NewOptions64(span.Milliseconds(),
			progressbar.OptionSetWriter(s.out),
			progressbar.OptionSetDescription("  learning"),
			progressbar.OptionSetWidth(40),
			progressbar.OptionEnableColorCodes(s.colour),
			progressbar.OptionSetPredictTime(false),
			progressbar.OptionClearOnFinish())
	}
	return p
}

func (p *progress) update() {
	if p.bar != nil {
		done := min(time.Since(p.start).Milliseconds(), p.bar.GetMax64())
		_ = p.bar.Set64(done) // an unwritable terminal is no reason to stop
	}
}

func (p *progress) close() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
