package kubernetes

import (
	"time"

	"bobwatch/internal/profile"
)

// Record is what is known of a workload container, by one node or by all.
type Record struct {
	Profile *profile.Profile
	Guarded bool // else it is being learned
	// Observed is the longest that a node has watched it, Window how long it is
	// to be learned.
	Observed, Window time.Duration
	Replicas         int // the most that were seen at once on a node
	// NewFacts is how many entries the last write that had any added, and
	// LastNew when.
	NewFacts int
	LastNew  time.Time
	// Reason says in words why the profile is not complete.
	Reason string
	// Name is that of the ConfigMap. Load and merged set it.
	Name string
	// Predecessor is the name of the ConfigMap of the image before.
	Predecessor string
}
