// Package silence measures false alarms: it learns real services in containers
// under one agent, then uses them legitimately but differently, and lists the
// alerts that this causes.
//
// Its invariant: an alert counts for the phase in which its act was done. Each
// phase ends with an act that nothing allows, and the alert of that act has to
// arrive before the next phase begins.
package silence

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"bobwatch/internal/testenv"
	"bobwatch/test/watch"
	"bobwatch/test/workloads"
)

// Options says what to run.
type Options struct {
	Services []string      // names; empty means all
	Window   time.Duration // for which each service is learned
	Parallel int           // services that run at the same time
	// Progress is called, by any goroutine, when a service begins a phase.
	Progress func(service, phase string)
}

// Phase says what the service was asked to do when it raised an alert.
type Phase string

// The phases after learning.
const (
	// Same asks for nothing new: the load that was learned, after reloads,
	// rotations, restarts, a crash, and in another time zone and locale.
	Same Phase = "same"
	// Changed asks for other things that are legitimate: other data, errors,
	// aborted requests, more load, maintenance.
	Changed Phase = "changed"
)

// Alert is an alert that a service raised.
type Alert struct {
	watch.Seen
	Phase Phase
	// Expected is set for an alert that somebody would want to read, although
	// the act is legitimate.
	Expected bool
}

// Result is what one service raised.
type Result struct {
	Service string
	Alerts  []Alert
	Err     error // the service or its client did not work
}

// lab is what the services share.
type lab struct {
	options    Options
	dir        string
	containerd *testenv.Containerd
	agent      *watch.Agent
	clients    *testenv.Container
}

// Run learns and uses the services, and returns a result for each, in the order
// of their names.
func Run(ctx context.Context, o Options) (results []Result, err error) {
	all, err := load(o.Services)
	if err != nil {
		return nil, err
	}
	l := &lab{options: o}
	defer func() { err = errors.Join(err, l.close()) }()
	if err := l.open(ctx, all); err != nil {
		return nil, err
	}
	results = make([]Result, len(all))
	var group errgroup.Group
	group.SetLimit(max(1, o.Parallel))
	for i, s := range all {
		group.Go(func() error {
			results[i] = Result{Service: s.name}
			results[i].Alerts, results[i].Err = l.use(ctx, s)
			return nil
		})
	}
	return results, group.Wait()
}

func (l *lab) open(ctx context.Context, all []*service) (err error) {
	if l.dir, err = os.MkdirTemp("", "bobwatch-silence-"); err != nil {
		return err
	}
	program, err := workloads.Build(ctx, "./cmd/agent")
	if err != nil {
		return err
	}
	path := filepath.Join(l.dir, "agent")
	if err := os.WriteFile(path, program, 0o755); err != nil {
		return err
	}
	if l.containerd, err = testenv.StartContainerd(ctx); err != nil {
		return err
	}
	clients, err := image(ctx, &service{name: "clients"})
	if err != nil {
		return err
	}
	images := []testenv.Image{clients}
	for _, s := range all {
		img, err := image(ctx, s)
		if err != nil {
			return err
		}
		images = append(images, img)
	}
	if err := l.containerd.Import(ctx, images...); err != nil {
		return err
	}
	if l.clients, err = l.containerd.Run(ctx, testenv.ContainerSpec{
		ID: "clients", Image: clients.Ref, Args: []string{"sleep", "infinity"},
	}); err != nil {
		return err
	}
	l.agent, err = watch.Start(path, watch.Config{
		Dir: filepath.Join(l.dir, "state"), Socket: l.containerd.Address, Window: l.options.Window,
	})
	if err != nil {
		return err
	}
	return l.agent.Ready(ctx)
}

func (l *lab) close() error {
	var errs []error
	if l.agent != nil {
		errs = append(errs, l.agent.Stop())
	}
	if l.containerd != nil {
		errs = append(errs, l.containerd.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(l.dir))...)
}

// use takes one service through its phases.
func (l *lab) use(ctx context.Context, s *service) ([]Alert, error) {
	u := &user{lab: l, service: s, dir: filepath.Join(l.dir, s.name)}
	if err := os.MkdirAll(filepath.Join(u.dir, "data"), 0o777); err != nil {
		return nil, err
	}
	if err := os.Chmod(filepath.Join(u.dir, "data"), 0o777); err != nil { // services have users of their own
		return nil, err
	}
	defer u.end(context.WithoutCancel(ctx))
	for _, step := range []struct {
		phase Phase
		do    func(context.Context) error
	}{
		{"learn", u.learn}, {Same, u.same}, {Changed, u.change},
	} {
		u.phase = step.phase
		if l.options.Progress != nil {
			l.options.Progress(s.name, string(step.phase))
		}
		if err := step.do(ctx); err != nil {
			return u.alerts(), fmt.Errorf("%s: %w", step.phase, err)
		}
	}
	return u.alerts(), nil
}

// raised returns the alerts about a service so far.
func (l *lab) raised(service string) []watch.Seen {
	var seen []watch.Seen
	for _, s := range l.agent.Alerts() {
		if s.Workload.Name == service {
			seen = append(seen, s)
		}
	}
	return seen
}

// once makes the agent's status cheap for services that wait at the same time.
type once struct {
	sync.Mutex
	at     time.Time
	answer string
}

var statusPage once

func (l *lab) status(ctx context.Context) (string, error) {
	statusPage.Lock()
	defer statusPage.Unlock()
	if time.Since(statusPage.at) < 500*time.Millisecond {
		return statusPage.answer, nil
	}
	answer, err := l.agent.Get(ctx, "/status")
	statusPage.at, statusPage.answer = time.Now(), answer
	return answer, err
}

// expects reports whether somebody would want to read an alert.
func (s *service) expects(message string) bool {
	for _, part := range s.expected {
		if strings.Contains(message, part) {
			return true
		}
	}
	return false
}
