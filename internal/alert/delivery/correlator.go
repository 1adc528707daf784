package delivery

import "bobwatch/internal/alert"

import "time"

// Correlator finds which incident an alert belongs to. It is called by one
// goroutine at a time, and does not wait.
type Correlator interface {
	// Add takes an alert in and sets its Incident. It returns the incident, as
	// an alert with a Story, if that has to be sent at once.
	Add(a *alert.Alert, now time.Time) *alert.Alert
	// Due returns the incidents that went on or ended and have to be sent. At
	// the end of the agent, all that have.
	Due(now time.Time, end bool) []*alert.Alert
	// Unsent reports whether an incident that began by then was never sent.
	Unsent(then time.Time) bool
	// Close writes the state that has to outlive the agent.
	Close() error
}
