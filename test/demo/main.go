// Command demo shows what bobwatch does, on one machine and with nothing
// prepared: it learns a web application in a real container, stays silent while
// the application behaves, and names every attack on it.
//
// It runs as root. The containerd it starts is its own, lies in a temporary
// directory and goes with it, also on ctrl-C.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"bobwatch/internal/profile"
	"bobwatch/internal/testenv"
	"bobwatch/test/watch"
	"bobwatch/test/workloads"
)

func main() {
	agent := flag.String("agent", "bin/agent", "`path` of the agent")
	window := flag.Duration("window", 30*time.Second, "how long to learn")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	d := &demo{program: *agent, screen: newScreen(os.Stdout), config: watch.Config{Window: *window}}
	err := d.run(ctx)
	err = errors.Join(err, d.close())
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// demo is the state of one run.
type demo struct {
	program string
	screen  *screen
	config  watch.Config

	containerd *testenv.Containerd
	agent      *watch.Agent
	app        workloads.Workload
	rounds     int // of load, so far; no two are alike

	learned     *profile.Profile
	document    []byte       // learned, as the agent wrote it
	benign      []watch.Seen // alerts while nothing happened
	caught, all int          // attacks
}

func (d *demo) run(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return errors.New("it loads BPF programs and starts containers: run it as root")
	}
	steps := []func(context.Context) error{d.prepare, d.learn, d.show, d.behave, d.attack}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return d.conclude()
}

// prepare builds the image and starts a containerd and the agent.
func (d *demo) prepare(ctx context.Context) error {
	d.screen.step("Building an image of Apache and PHP from Debian's packages (a minute, the first time)")
	base, err := testenv.Debian(ctx)
	if err != nil {
		return err
	}
	d.app = workloads.Webapp(base)
	d.screen.step("Starting a private containerd")
	d.containerd, err = testenv.StartContainerd(ctx)
	if err != nil {
		return err
	}
	if err := d.containerd.Import(ctx, d.app.Image); err != nil {
		return err
	}
	d.screen.step("Starting the agent")
	d.config.Socket = d.containerd.Address
	if d.config.Dir, err = os.MkdirTemp("", "bobwatch-demo-"); err != nil {
		return err
	}
	if d.agent, err = watch.Start(d.program, d.config); err != nil {
		return err
	}
	return d.agent.Ready(ctx)
}

// learn runs the application under load until the agent has its profile.
func (d *demo) learn(ctx context.Context) error {
	k, err := d.start(ctx, "webapp-1")
	if err != nil {
		return err
	}
	d.screen.step("Learning the application under benign load for %s", d.config.Window)
	// The window counts the container's time, and the agent looks now and then.
	limit, cancel := context.WithTimeout(ctx, d.config.Window+30*time.Second)
	defer cancel()
	bar := d.screen.progress(d.config.Window)
	defer bar.close()
	for {
		if err := d.load(ctx, k); err != nil {
			return err
		}
		bar.update()
		d.learned, d.document, err = d.config.Profile(d.app.Name)
		if err != nil {
			return err
		}
		if d.learned != nil && d.learned.Spec.Provenance.Completeness != profile.Learning {
			return k.Stop(ctx)
		}
		if limit.Err() != nil {
			return fmt.Errorf("learn: no profile after %s; the agent's log: %s", d.config.Window, d.agent.Log())
		}
	}
}

func (d *demo) show(context.Context) error {
	d.screen.step("The Bill of Behavior it learned")
	d.screen.quote(string(d.document))
	return nil
}

// behave restarts the application and loads it with what it has not seen yet,
// but would do all the same.
func (d *demo) behave(ctx context.Context) error {
	before := len(d.agent.Alerts())
	k, err := d.start(ctx, "webapp-2")
	if err != nil {
		return err
	}
	d.screen.step("Restarted; other clients, pages and addresses")
	for range 5 {
		if err := d.load(ctx, k); err != nil {
			return err
		}
	}
	if err := k.Stop(ctx); err != nil {
		return err
	}
	if err := pause(ctx, time.Second); err != nil { // an alert would be here by now
		return err
	}
	d.benign = d.agent.Alerts()[before:]
	for _, s := range d.benign {
		d.screen.bad("false alert: %s", s.Message)
	}
	if len(d.benign) == 0 {
		d.screen.good("silent")
	}
	return nil
}

func (d *demo) attack(ctx context.Context) error {
	k, err := d.start(ctx, "webapp-3")
	if err != nil {
		return err
	}
	d.screen.step("Attacking it")
	stop, err := serveTool(ctx, k)
	if err != nil {
		return err
	}
	defer stop()
	for _, a := range attacks {
		if err := d.try(ctx, k, a); err != nil {
			return err
		}
	}
	return k.Stop(ctx)
}

// try makes one attack and waits for the alert that names it.
func (d *demo) try(ctx context.Context, k *testenv.Container, a attack) error {
	d.all++
	before := len(d.agent.Alerts())
	if err := a.do(ctx, k); err != nil {
		return fmt.Errorf("attack %q did not happen: %w", a.name, err)
	}
	limit, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	seen, ok := d.agent.Await(limit, before, a.named)
	if !ok {
		d.screen.bad("%s: no alert named it", a.name)
		for _, s := range d.agent.Alerts()[before:] {
			d.screen.quote(s.Message)
		}
		return ctx.Err()
	}
	d.caught++
	took := seen.At.Sub(seen.Last).Round(10 * time.Microsecond)
	d.screen.good("%s", a.name)
	d.screen.quote(fmt.Sprintf("%s %s %s after %s", seen.Rule, seen.Severity, seen.Message, took))
	return nil
}

// conclude prints the closing line and returns an error if all is not well.
func (d *demo) conclude() error {
	var calls, execs, opens int
	for _, c := range d.learned.Spec.Containers {
		for _, names := range c.Syscalls {
			calls += len(names)
		}
		execs += len(c.Execs)
		opens += len(c.Opens)
	}
	fmt.Printf("demo: learned %d syscalls, %d execs, %d opens; benign alerts %d; attacks detected %d/%d\n",
		calls, execs, opens, len(d.benign), d.caught, d.all)
	if len(d.benign) > 0 || d.caught < d.all {
		return errors.New("an alert was false or an attack was missed")
	}
	return nil
}

// start runs one more container of the same workload.
func (d *demo) start(ctx context.Context, id string) (*testenv.Container, error) {
	return workloads.Start(ctx, d.containerd, d.app, testenv.ContainerSpec{ID: id, Pod: "webapp", Name: "web"})
}

func (d *demo) load(ctx context.Context, k *testenv.Container) error {
	d.rounds++
	return d.app.Load(ctx, k, d.rounds)
}

// close undoes what run did, in reverse.
func (d *demo) close() error {
	var errs []error
	if d.agent != nil {
		errs = append(errs, d.agent.Stop())
	}
	if d.containerd != nil {
		errs = append(errs, d.containerd.Close())
	}
	if d.config.Dir != "" {
		errs = append(errs, os.RemoveAll(d.config.Dir))
	}
	return errors.Join(errs...)
}

// pause waits for t or until ctx ends, whose error it then returns.
func pause(ctx context.Context, t time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(t):
		return nil
	}
}
