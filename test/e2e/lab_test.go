// Package e2e runs the agent as its users do against real containers, and
// judges only what it writes: profiles and alerts.
package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/profile"
	"bobwatch/internal/testenv"
	"bobwatch/test/watch"
	"bobwatch/test/workloads"
)

// soak is set for the long form of the tests; see the Makefile.
var soak = os.Getenv("BOBWATCH_SOAK") != ""

// lab is what the tests of this package share, because it takes a while to
// make: the program, and a containerd that has the images.
type lab struct {
	dir        string
	program    string
	containerd *testenv.Containerd
	workloads  []workloads.Workload
	victim     workloads.Workload
}

// shared is made by the first test that needs it.
var shared lab

var makeShared = sync.OnceValue(func() error { return shared.make(context.Background()) })

func (l *lab) make(ctx context.Context) (err error) {
	if l.dir, err = os.MkdirTemp("", "bobwatch-e2e-"); err != nil {
		return err
	}
	l.program = filepath.Join(l.dir, "agent")
	agent, err := workloads.Build(ctx, "./cmd/agent")
	if err != nil {
		return err
	}
	if err := os.WriteFile(l.program, agent, 0o755); err != nil {
		return err
	}
	if l.workloads, err = workloads.All(ctx); err != nil {
		return err
	}
	if l.victim, err = newVictim(ctx); err != nil {
		return err
	}
	if l.containerd, err = testenv.StartContainerd(ctx); err != nil {
		return err
	}
	images := []testenv.Image{l.victim.Image}
	for _, w := range l.workloads {
		images = append(images, w.Image)
	}
	return l.containerd.Import(ctx, images...)
}

func TestMain(m *testing.M) {
	status := m.Run()
	if shared.containerd != nil {
		if err := shared.containerd.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "close containerd:", err)
			status = 1
		}
	}
	os.RemoveAll(shared.dir)
	os.Exit(status)
}

// newLab returns what the tests share, once the machine has all they need.
func newLab(t *testing.T) *lab {
	t.Helper()
	testenv.Root(t)
	for _, name := range []string{"containerd", "ctr", "runc", "mmdebstrap", "nsenter", "redis-benchmark"} {
		testenv.Command(t, name)
	}
	if err := makeShared(); err != nil {
		t.Fatal(err)
	}
	return &shared
}

// config returns a configuration with a state directory of its own.
func (l *lab) config(t *testing.T, window time.Duration) watch.Config {
	t.Helper()
	// Not t.TempDir, whose paths are too long for a socket.
	dir, err := os.MkdirTemp(l.dir, "agent-")
	if err != nil {
		t.Fatal(err)
	}
	return watch.Config{Dir: dir, Socket: l.containerd.Address, Window: window}
}

// agent starts an agent and waits until it watches. When the test ends it is
// stopped, which has to go well.
func (l *lab) agent(t *testing.T, config watch.Config) *watch.Agent {
	t.Helper()
	a, err := watch.Start(l.program, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the agent's log:\n%s", a.Log())
		}
	})
	if err := a.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

// start starts a container of w, and stops it when the test ends if it still
// runs then.
func (l *lab) start(t *testing.T, w workloads.Workload, spec testenv.ContainerSpec) *testenv.Container {
	t.Helper()
	spec.Pod, spec.Name = w.Name, w.Name
	k, err := workloads.Start(t.Context(), l.containerd, w, spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if k.Running() {
			l.stop(t, k)
		}
	})
	return k
}

func (l *lab) stop(t *testing.T, k *testenv.Container) {
	t.Helper()
	if err := k.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

// finished waits for the profile of a workload whose window has ended.
func finished(t *testing.T, config watch.Config, name string) *profile.Profile {
	t.Helper()
	for end := time.Now().Add(config.Window + time.Minute); time.Now().Before(end); {
		p, _, err := config.Profile(name)
		if err != nil {
			t.Fatal(err)
		}
		if p != nil && p.Spec.Provenance.Completeness != profile.Learning {
			return p
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("no profile of %s", name)
	return nil
}

// learned is the only container of finished.
func learned(t *testing.T, config watch.Config, name string) profile.Container {
	t.Helper()
	return container(t, finished(t, config, name))
}

// container returns the one container of p.
func container(t *testing.T, p *profile.Profile) profile.Container {
	t.Helper()
	if n := len(p.Spec.Containers); n != 1 {
		t.Fatalf("profile %s has %d containers, want 1", p.Metadata.Name, n)
	}
	return p.Spec.Containers[0]
}

// patience is how long a test waits for an alert. One that comes at all comes at
// once, so that only a failure takes as long.
const patience = 30 * time.Second

// await waits for an alert that match accepts, and fails the test without.
func await(t *testing.T, a *watch.Agent, match func(*alert.Alert) bool) watch.Seen {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	seen, ok := a.Await(ctx, 0, match)
	if !ok {
		t.Error("no alert")
		for _, s := range a.Alerts() {
			t.Logf("but: %s", s.Message)
		}
	}
	return seen
}

// mustBeSilent does a marker act, the execution of a program, and fails the
// test for each alert that comes before the marker's: alerts keep the order of
// the acts.
func mustBeSilent(t *testing.T, a *watch.Agent, program string, act func()) {
	t.Helper()
	act()
	marker := await(t, a, executed(program))
	for _, s := range a.Alerts() {
		if s.Line == marker.Line {
			return
		}
		t.Errorf("alert before the marker: %s", s.Line)
	}
}
