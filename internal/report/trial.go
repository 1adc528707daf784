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
// Parts of it that were watched on several nodes are joined by Join.
type Trial struct {
	// Document says what the workload may do: parameters are bound, and other
	// documents that hold for the workload are joined with it.
	Document *profile.Profile `json:"-"`
	// Observed is what the workload was seen to do, by containers with names
	// as in Document. Its provenance says how well it was watched.
	Observed *profile.Profile `json:"observed"`
	// Incidents say who did what deviated, as far as that is known. What is
	// in Observed needs none.
	Incidents []Incident     `json:"incidents"`
	Workload  alert.Workload `json:"workload"`
	Instances []Instance     `json:"instances"`
	// Start and End are the time under watch.
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	// News are the times at which something was seen for the first time;
	// nil if they are not known.
	News []time.Time `json:"news"`
	// Held counts deviations that were not told, for want of space.
	Held uint64 `json:"held"`
	// Unwatched says where the workload was not watched, a sentence each.
	Unwatched []string `json:"unwatched"`
}

// Incident is an alert of the time under watch. Of an alert that was sent
// several times with a growing count it is the last.
type Incident struct {
	Alert alert.Alert `json:"alert"`
	// Allowance is what would accept it, nil if nothing can.
	Allowance *profile.Container `json:"allowance,omitempty"`
}

// Instance is a container that was watched.
type Instance struct {
	Pod       string `json:"pod,omitempty"`
	Node      string `json:"node,omitempty"`
	Container string `json:"container,omitempty"`
}

// Join adds what was watched elsewhere in the same trial.
func (t *Trial) Join(other Trial) error {
	if t.Observed == nil {
		document := t.Document
		unwatched := t.Unwatched
		*t = other
		t.Document, t.Unwatched = document, append(unwatched, other.Unwatched...)
		return nil
	}
	merged, err := profile.Merge(t.Observed, other.Observed)
	if err != nil {
		return err
	}
	t.Observed = merged
	t.Incidents = append(t.Incidents, other.Incidents...)
	t.Instances = append(t.Instances, other.Instances...)
	t.News = append(t.News, other.News...)
	t.Held += other.Held
	t.Unwatched = append(t.Unwatched, other.Unwatched...)
	if other.Start.Before(t.Start) {
		t.Start = other.Start
	}
	if other.End.After(t.End) {
		t.End = other.End
	}
	return nil
}
