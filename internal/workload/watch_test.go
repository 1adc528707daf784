package workload

import (
	"context"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"bobwatch/internal/testenv"
)

// news collects what Run reports.
type news struct {
	t       *testing.T
	changes chan Change
}

// follow calls Run until the test ends.
func follow(t *testing.T, r *Resolver) *news {
	n := &news{t: t, changes: make(chan Change, 100)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx, func(c Change) { n.changes <- c }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return n
}

// expect takes the next change, which must be of a kind and, if id is not
// empty, about that container.
func (n *news) expect(kind ChangeKind, id string) Change {
	n.t.Helper()
	select {
	case c := <-n.changes:
		if c.Kind != kind || c.Resident.ID != id {
			n.t.Fatalf("change %d about %q, want %d about %q", c.Kind, c.Resident.ID, kind, id)
		}
		return c
	case <-time.After(testTimeout):
		n.t.Fatalf("no change, want %d about %q", kind, id)
	}
	panic("unreachable")
}

func TestRunSurvivesRestart(t *testing.T) {
	daemon, image := newRuntime(t)
	r := newResolver(t, Options{Sockets: []string{daemon.Address}})
	_, stays := run(t, daemon, testenv.ContainerSpec{ID: "stays", Image: image})
	n := follow(t, r)

	if got := n.expect(Connected, "").Runtime; got.Socket != daemon.Address || got.PID == 0 {
		t.Errorf("connected to %+v, want %s", got, daemon.Address)
	}
	if got := n.expect(Found, "stays").Resident; got.CgroupID != stays.CgroupID {
		t.Errorf("found cgroup %d, want %d", got.CgroupID, stays.CgroupID)
	}
	goes, _ := run(t, daemon, testenv.ContainerSpec{ID: "goes", Image: image})
	n.expect(Found, "goes")

	old := r.Runtimes()[0].PID
	if err := syscall.Kill(int(old), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	n.expect(Disconnected, "")
	if got := r.Runtimes(); len(got) != 0 {
		t.Errorf("Runtimes() = %v, want none", got)
	}
	if err := daemon.Stop(); err != nil { // takes note of its end
		t.Fatal(err)
	}
	if err := syscall.Kill(goes.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := n.expect(Connected, "").Runtime; got.PID == old || got.PID == 0 {
		t.Errorf("connected to process %d, before the restart to %d", got.PID, old)
	}
	n.expect(Gone, "goes")

	again, want := run(t, daemon, testenv.ContainerSpec{ID: "again", Image: image})
	if got := n.expect(Found, "again").Resident; got.CgroupID != want.CgroupID {
		t.Errorf("found cgroup %d, want %d", got.CgroupID, want.CgroupID)
	}
	if err := again.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := n.expect(Gone, "again").Resident; got.CgroupID != want.CgroupID {
		t.Errorf("gone is cgroup %d, want %d", got.CgroupID, want.CgroupID)
	}
}

// TestLateStart follows a containerd whose socket does not exist yet.
func TestLateStart(t *testing.T) {
	daemon, image := newRuntime(t)
	if err := daemon.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(daemon.Address); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	r := newResolver(t, Options{Sockets: []string{daemon.Address}})
	n := follow(t, r)
	if c, ok, err := r.Resolve(t.Context(), 1, "/default/"+hexID); ok || err != nil {
		t.Errorf("Resolve() without containerd = %v, %t, %v; want nobody", c, ok, err)
	}
	if err := daemon.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.expect(Connected, "")
	run(t, daemon, testenv.ContainerSpec{ID: "late", Image: image})
	n.expect(Found, "late")
}

// TestStartedAgain tells of a record that runs in another cgroup than before.
func TestStartedAgain(t *testing.T) {
	type told struct {
		kind   ChangeKind
		cgroup uint64
	}
	var got []told
	w := &watcher{
		report: func(c Change) { got = append(got, told{c.Kind, c.Resident.CgroupID}) },
		tasks:  make(map[taskKey]Container),
	}
	for _, id := range []uint64{7, 7, 8} {
		w.found(Resident{Container: Container{ID: "web", RuntimeNamespace: "default", CgroupID: id}})
	}
	w.gone(taskKey{"default", "web"})
	w.gone(taskKey{"default", "web"})
	w.gone(taskKey{"other", "web"})
	want := []told{{Found, 7}, {Gone, 7}, {Found, 8}, {Gone, 8}}
	if !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}
