package kubernetes

import "time"

// Mode says what to do with a workload.
type Mode string

// The modes. The empty one is the agent's own way: learn, then guard.
const (
	ModeLearn Mode = "learn" // never guard
	ModeGuard Mode = "guard" // by a document from the first system call; learn nothing
	ModeOff   Mode = "off"   // neither
)

// Settings are what the labels and annotations of a pod and of its top owner
// choose. Zero values choose nothing.
type Settings struct {
	Mode   Mode
	Window time.Duration
	// Document is the name of the only documents that describe the workload.
	Document string
}
