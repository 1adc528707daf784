package observation

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"bobwatch/internal/docfile"
	"bobwatch/internal/observe"
	"bobwatch/internal/profile"
	"bobwatch/internal/term"
)

// How often the counter is written.
const (
	drawInterval = 200 * time.Millisecond // on a terminal
	lineInterval = 10 * time.Second       // elsewhere
)

// Counter shows the progress of a recording: on a terminal all the time in the last row,
// elsewhere a line now and then.
type Counter struct {
	out      io.Writer
	row      *term.BottomRow // nil if out is no terminal
	recorder *observe.Recorder
	began    time.Time
}

// NewCounter returns a counter that writes to out.
func NewCounter(out io.Writer, recorder *observe.Recorder) *Counter {
	return &Counter{out: out, row: term.NewBottomRow(out), recorder: recorder, began: time.Now()}
}

// Run counts until ctx ends. It calls enough when nothing new has come for the
// time quiet, if that is not 0.
func (c *Counter) Run(ctx context.Context, quiet time.Duration, enough func()) {
	ticker := time.NewTicker(drawInterval)
	defer ticker.Stop()
	if c.row != nil {
		defer c.row.Clear()
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
				c.row.Write(c.text(p, now, idle))
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

func (c *Counter) text(p observe.Progress, now time.Time, idle time.Duration) string {
	text := fmt.Sprintf("recording for %s: %s", now.Sub(c.began).Round(time.Second), countsOf(p))
	if p.Lost > 0 {
		text += fmt.Sprintf(", %d lost", p.Lost)
	}
	return text + fmt.Sprintf("; nothing new for %s", max(0, idle).Round(time.Second))
}

// Remark describes the result of a recording to file.
func Remark(p *profile.Profile, found observe.Progress, file string) string {
	text := fmt.Sprintf("recorded %s", countsOf(found))
	if file != "" && file != docfile.Stdin {
		text += " to " + file
	}
	provenance := p.Spec.Provenance
	if provenance.Completeness == profile.Partial {
		text += "; partial: " + strings.Join(provenance.PartialReasons(), ", ")
	}
	return text
}

func countsOf(p observe.Progress) string {
	return term.Plural(p.Syscalls, "system call") + ", " + term.Plural(p.Execs, "execution") + ", " + term.Plural(p.Opens, "open")
}
