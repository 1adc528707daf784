package main

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// latency is the time from an act that deviates to its alert line.
type latency struct {
	Acts   int     `json:"acts"`
	Missed int     `json:"missed"` // acts without an alert
	P50    float64 `json:"p50Ms"`
	P99    float64 `json:"p99Ms"`
	Max    float64 `json:"maxMs"`
}

const (
	latencyActors = 10
	// actsPerActor stays below what the agent lets one workload raise at once.
	actsPerActor = 50
	// window is how long workloads learn.
	window = 2 * time.Second
)

// measureLatency has guarded workloads open files that they have not opened
// before, while one core is busy with something else.
func measureLatency(root string) (l latency, err error) {
	a, err := startAgent(window)
	if err != nil {
		return latency{}, err
	}
	defer func() { err = errors.Join(err, a.stop()) }()
	var actors []actor
	for i := range latencyActors {
		actor, err := startActor(root, fmt.Sprintf("actor%d", i))
		if err != nil {
			return latency{}, err
		}
		defer func() { err = errors.Join(err, actor.stop()) }()
		actors = append(actors, actor)
	}
	if err := a.await("guarding workload", latencyActors); err != nil {
		return latency{}, err
	}
	stopBusy, err := startBusy()
	if err != nil {
		return latency{}, err
	}
	defer func() { err = errors.Join(err, stopBusy()) }()
	return collectLatency(a, actors)
}

// collectLatency lets the actors act in turn.
func collectLatency(a *agent, actors []actor) (latency, error) {
	files, err := actorFiles()
	if err != nil {
		return latency{}, err
	}
	acts := len(actors) * actsPerActor
	if len(files) < acts {
		return latency{}, fmt.Errorf("measure latency: there are %d files to open, want %d", len(files), acts)
	}
	began := make(map[string]int64, acts)
	for i := range acts {
		if began[files[i]], err = actors[i%len(actors)].open(uint32(i)); err != nil {
			return latency{}, err
		}
		time.Sleep(5 * time.Millisecond)
	}
	var took []float64
	patience := time.After(5 * time.Second)
	for len(took) < acts {
		select {
		case alert := <-a.alerts:
			if start, ok := began[alert.path]; ok {
				delete(began, alert.path)
				took = append(took, float64(alert.time-start)/1e6)
			}
		case <-patience:
			return summarise(took, acts)
		}
	}
	return summarise(took, acts)
}

func summarise(took []float64, acts int) (latency, error) {
	if len(took) == 0 {
		return latency{}, errors.New("measure latency: no act led to an alert")
	}
	slices.Sort(took)
	return latency{
		Acts: acts, Missed: acts - len(took),
		P50: took[len(took)/2], P99: took[len(took)*99/100], Max: took[len(took)-1],
	}, nil
}

// startBusy keeps one core busy until stop is called.
func startBusy() (stop func() error, err error) {
	w, err := startWorker("", hostPlace)
	if err != nil {
		return nil, err
	}
	quit, done := make(chan struct{}), make(chan error)
	go func() {
		var err error
		for err == nil {
			select {
			case <-quit:
				done <- nil
				return
			default:
				_, err = w.do(getppid)
			}
		}
		<-quit
		done <- err
	}()
	return func() error {
		close(quit)
		return errors.Join(<-done, w.stop())
	}, nil
}
