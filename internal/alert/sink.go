package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
)

// Sink delivers alerts to one destination. Send is called by one goroutine at
// a time, with the alerts in the order in which they were raised, and returns
// when ctx ends. An alert may come again with the same fingerprint and a higher
// count. Alerts are shared with other sinks: Send leaves them unchanged.
type Sink interface {
	Name() string // a constant; it labels metrics
	// Send returns how many of the first alerts were delivered: all of them
	// unless there is an error.
	Send(ctx context.Context, alerts []Alert) (delivered int, err error)
}

// ErrRefused is wrapped by an error of Send after which there is no use in
// sending the same again.
var ErrRefused = errors.New("refused for good")

// Encoder appends an alert to b, ending in a newline.
type Encoder func(b *bytes.Buffer, a *Alert) error

// JSON is the Encoder of the format described in docs/alerts.md: an object on
// one line.
func JSON(b *bytes.Buffer, a *Alert) error {
	encoder := json.NewEncoder(b) // ends each object with a newline
	encoder.SetEscapeHTML(false)
	return encoder.Encode(a)
}
