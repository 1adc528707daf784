package sink

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"bobwatch/internal/alert"
)

// Stdout writes alerts to a stream, each on a line of its own.
type Stdout struct {
	w      io.Writer
	encode alert.Encoder
}

// NewStdout returns a sink that writes to w.
func NewStdout(w io.Writer, encode alert.Encoder) *Stdout {
	return &Stdout{w: w, encode: encode}
}

// Name implements Sink.
func (s *Stdout) Name() string { return "stdout" }

// Send implements Sink. All alerts are written in one call, so that a line is
// never torn by another writer to the same pipe. A reader that has stopped
// reading blocks the write, which is then left behind when ctx ends. A partly written
// alert is not written again.
func (s *Stdout) Send(ctx context.Context, alerts []alert.Alert) (int, error) {
	var b bytes.Buffer
	for i := range alerts {
		if err := s.encode(&b, &alerts[i]); err != nil {
			return 0, fmt.Errorf("write alert: %w: %w", alert.ErrRefused, err)
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
			return 0, fmt.Errorf("write alert: %w: %w", alert.ErrRefused, err)
		}
		return len(alerts), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("write alert: %w", ctx.Err())
	}
}
