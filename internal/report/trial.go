// Package report judges the acts that a workload did during a trial by a document, and
// writes the result for people (HTML), CI systems (JUnit) and programs (JSON).
//
// Its invariant: the verdict is Passed only if enough was observed; otherwise it is
// Inconclusive.
package report

import (
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/profile"
)

// Trial holds the acts of a workload during a trial, and the document that it was held
// to. Join joins the parts of a trial on several nodes.
type Trial struct {
	// Document lists the acts that the workload may do. Its parameters are bound,
	// and other documents that apply to the workload are joined with it.
	Document *profile.Profile `json:"-"`
	// Observed holds the observed acts of the workload, by containers with the
	// names in Document. Its provenance says how well the workload was watched.
	Observed *profile.Profile `json:"observed"`
	// Incidents name the processes that deviated, as far as they are known. An act
	// in Observed need not have one.
	Incidents []Incident     `json:"incidents"`
	Workload  alert.Workload `json:"workload"`
	Instances []Instance     `json:"instances"`
	// Start and End are the time under watch.
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	// News are the times at which something was seen for the first time;
	// nil if they are not known.
	News []time.Time `json:"news"`
	// Held counts deviations that were not reported, for lack of space.
	Held uint64 `json:"held"`
	// Unwatched says where the workload was not watched, a sentence each.
	Unwatched []string `json:"unwatched"`
}

// Incident is an alert of the time under watch. Of an alert that was sent
// several times with a growing count it is the last.
type Incident struct {
	Alert alert.Alert `json:"alert"`
	// Allowance accepts the incident; nil if no document can.
	Allowance *profile.Container `json:"allowance,omitempty"`
}

// Instance is a container that was watched.
type Instance struct {
	Pod       string `json:"pod,omitempty"`
	Node      string `json:"node,omitempty"`
	Container string `json:"container,omitempty"`
}

// Join adds the observations of another node in the same trial.
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
