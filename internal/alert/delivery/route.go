package delivery

import (
	"context"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/severity"
)

// Route is a sink, with the filters and the queue in front of it.
type Route struct {
	Sink alert.Sink
	// MinSeverity is the lowest severity that the sink receives.
	MinSeverity severity.Severity
	// Incidents says that the sink is sent incidents, each as one alert with a
	// Story, in place of their single alerts.
	Incidents bool
	// Queue is the file that keeps undelivered alerts, and QueueBytes its bound.
	// Without a file alerts wait in memory only.
	Queue      string
	QueueBytes int64
	// Refresh, if set, is called every RefreshInterval by the goroutine that
	// calls Send, for sinks that forget an alert unless it is repeated.
	Refresh         func(context.Context) error
	RefreshInterval time.Duration
}

// refreshes returns a ticker for Refresh, nil without one.
func (r *Route) refreshes() *time.Ticker {
	if r.Refresh == nil {
		return nil
	}
	return time.NewTicker(r.RefreshInterval)
}

func tick(t *time.Ticker) <-chan time.Time {
	if t == nil {
		return nil
	}
	return t.C
}
