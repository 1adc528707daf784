package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// Format is how a Stdout sink writes alerts.
type Format string

// The formats.
const (
	FormatJSON Format = "json" // one object a line
	FormatText Format = "text" // one line for people, and one with the allow command
)

// Stdout writes alerts to a stream, each on a line of its own.
type Stdout struct {
	w      io.Writer
	append func(*bytes.Buffer, *Alert) error
}

// NewStdout returns a sink that writes to w. Colours apply to text only; see
// Colours.
func NewStdout(w io.Writer, format Format, colours bool) (*Stdout, error) {
	switch format {
	case FormatJSON:
		return &Stdout{w: w, append: appendJSON}, nil
	case FormatText:
		return &Stdout{w: w, append: func(b *bytes.Buffer, a *Alert) error {
			appendText(b, a, colours)
			return nil
		}}, nil
	}
	return nil, fmt.Errorf("format %q: want json or text", format)
}

// Colours reports whether text written to f should be coloured: f is a
// terminal, and the user did not object (https://no-color.org).
func Colours(f *os.File) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

// Name implements Sink.
func (s *Stdout) Name() string { return "stdout" }

// Send implements Sink. All alerts are written in one call, so that a line is
// never torn by another writer to the same pipe. A reader that has stopped
// reading blocks the write, which is then left behind when ctx ends.
func (s *Stdout) Send(ctx context.Context, alerts []Alert) error {
	var b bytes.Buffer
	for i := range alerts {
		if err := s.append(&b, &alerts[i]); err != nil {
			return fmt.Errorf("write alert: %w", err)
		}
	}
	done := make(chan error, 1)
	go func() {
		_, err := s.w.Write(b.Bytes())
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("write alert: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("write alert: %w", ctx.Err())
	}
}

func appendJSON(b *bytes.Buffer, a *Alert) error {
	encoder := json.NewEncoder(b) // ends each object with a newline
	encoder.SetEscapeHTML(false)
	return encoder.Encode(a)
}
