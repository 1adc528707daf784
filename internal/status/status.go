// Package status is the answer of an agent at /status: the workloads that it watches, how
// far it has learned them, which documents are in force. Its JSON is API; bobctl reads
// it of every node through the API server.
package status

import (
	"strings"
	"time"

	"bobwatch/internal/profile"
)

// Path is where an agent answers with its Status.
const Path = "/status"

// Status is one agent's.
type Status struct {
	Node    string    `json:"node"`
	Version string    `json:"version"`
	Time    time.Time `json:"time"` // when it was asked
	// Ready is as of /readyz; NotReady says why not.
	Ready     bool       `json:"ready"`
	NotReady  string     `json:"notReady,omitempty"`
	Hooks     []Hook     `json:"hooks"`
	Workloads []Workload `json:"workloads"`
	Documents []Document `json:"documents"`
}

// Hook is a place in the kernel that the agent is to be attached to.
type Hook struct {
	Name     string `json:"name"`
	Attached bool   `json:"attached"`
}

// State is the state of a workload container.
type State string

// The states.
const (
	Learning State = "learning"
	Guarded  State = "guarded"
	// Unguarded: it should be guarded, but no document describes it.
	Unguarded State = "unguarded"
	Off       State = "off"
)

// Workload is one container of one workload, with one image, over all the
// instances of it on the node.
type Workload struct {
	Namespace string `json:"namespace,omitempty"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Container string `json:"container"`
	Image     string `json:"image,omitempty"`
	Digest    string `json:"digest,omitempty"`

	State State `json:"state"`
	// Observed is for how long it was watched on this node, in seconds; Window
	// for how long it is to be learned.
	Observed     float64              `json:"observedSeconds"`
	Window       float64              `json:"windowSeconds"`
	Completeness profile.Completeness `json:"completeness,omitempty"`
	// Learned counts the facts learned about it on this node.
	Learned Counts `json:"learned"`
	// LastNews is when something new was learned last.
	LastNews  time.Time  `json:"lastNews,omitzero"`
	Instances []Instance `json:"instances"`
	// Late counts instances that were watched only some time after their start,
	// because the kernel could not report it.
	Late uint64 `json:"late,omitempty"`
}

// Counts are numbers of entries of a profile.
type Counts struct {
	Syscalls int `json:"syscalls"`
	Execs    int `json:"execs"`
	Opens    int `json:"opens"`
}

// Instance is a running container.
type Instance struct {
	ID  string `json:"id"`
	Pod string `json:"pod,omitempty"`
}

// Document is a version of a document that the agent was given.
type Document struct {
	Source string `json:"source"` // such as "configmap shop/webapp-bob"
	Name   string `json:"name"`   // of the document within its source
	// Digest is "sha256:..." of the version that was looked at last: its bytes
	// as they were given, with signatures and values.
	Digest string `json:"digest"`
	// InForce: a version of it, this one or an earlier one, is in force.
	InForce   bool   `json:"inForce"`
	Authority string `json:"authority,omitempty"` // who vouches for the version in force; empty if unsigned
	// Refused says why the version looked at last is not in force, and is empty
	// if it is.
	Refused string `json:"refused,omitempty"`
	Reason  string `json:"reason,omitempty"` // of catalog.Reason
}

// RefusedWhy says why the document was refused, without naming it again.
func (d *Document) RefusedWhy() string { return strings.TrimPrefix(d.Refused, d.Source+": ") }
