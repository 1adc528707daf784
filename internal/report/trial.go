// Package report judges what a workload was seen to do for a time by the
// document that it was to keep to, and tells the result to people (HTML), to
// CI systems (JUnit) and to programs (JSON).
//
// Its invariant: it never calls anything passed that it did not see. Where too
// little was seen, the verdict is Inconclusive.
package report

import (
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/profile"
)

// Trial is what a workload did for a time, and the document it was to keep to.
type Trial struct {
	// Document says what the workload may do: parameters are bound, and other
	// documents that hold for the workload are joined with it.
	Document *profile.Profile
	// Observed is what the workload was seen to do, by containers with names
	// as in Document. Its provenance says how well it was watched.
	Observed *profile.Profile
	// Incidents say who did what deviated, as far as that is known. What is
	// in Observed needs none.
	Incidents []Incident
	Workload  alert.Workload
	Instances []Instance
	// Start and End are the time under watch.
	Start, End time.Time
	// News are the times at which something was seen for the first time,
	// ascending; nil if they are not known.
	News []time.Time
	// Held counts deviations that a rate limit kept from being told.
	Held uint64
}

// Incident is an alert of the time under watch. Of an alert that was sent
// several times with a growing count it is the last.
type Incident struct {
	Alert alert.Alert
	// Allowance is what would accept it, nil if nothing can.
	Allowance *profile.Container
}

// Instance is a container that was watched.
type Instance struct {
	Pod       string `json:"pod,omitempty"`
	Node      string `json:"node,omitempty"`
	Container string `json:"container,omitempty"`
}
