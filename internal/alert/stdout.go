package alert

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// Stdout writes alerts to a stream, each on a line of its own.
type Stdout struct {
	w      io.Writer
	encode Encoder
}

// NewStdout returns a sink that writes to w.
func NewStdout(w io.Writer, encode Encoder) *Stdout {
	return &Stdout{w: w, encode: encode}
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
// reading blocks the write, which is then left behind when ctx ends. What was
// written in part is not written again.
func (s *Stdout) Send(ctx context.Context, alerts []Alert) (int, error) {
	var b bytes.Buffer
	for i := range alerts {
		if err := s.encode(&b, &alerts[i]); err != nil {
			return 0, fmt.Errorf("write alert: %w: %w", ErrRefused, err)
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
			return 0, fmt.Errorf("write alert: %w: %w", ErrRefused, err)
		}
		return len(alerts), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("write alert: %w", ctx.Err())
	}
}
