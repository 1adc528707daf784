package workload

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"bobwatch/internal/testenv"

	containersv1 "github.com/containerd/containerd/api/services/containers/v1"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/anypb"
)

// testTimeout ends a test that waits for what never comes.
const testTimeout = 30 * time.Second

// newRuntime starts a private containerd that has an image.
func newRuntime(t *testing.T) (c *testenv.Containerd, image string) {
	t.Helper()
	c = testenv.NewContainerd(t)
	busybox, err := os.ReadFile(testenv.Command(t, "busybox"))
	if err != nil {
		t.Fatal(err)
	}
	img := testenv.Image{
		Ref: "localhost/workload:1",
		Files: []testenv.File{
			{Path: "/bin/busybox", Mode: 0o755, Data: busybox},
			{Path: "/bin/sleep", Link: "busybox"},
		},
		Entrypoint: []string{"/bin/sleep", "600"},
	}
	if err := c.Import(t.Context(), img); err != nil {
		t.Fatal(err)
	}
	return c, img.Ref
}

// newResolver returns a Resolver of the containerd at socket.
func newResolver(t *testing.T, options Options) *Resolver {
	t.Helper()
	r, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// run runs a container and returns it as it should be found, with what only
// the runtime knows taken from /proc.
func run(t *testing.T, c *testenv.Containerd, spec testenv.ContainerSpec) (*testenv.Container, Container) {
	t.Helper()
	k, err := c.Run(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	id, err := k.CgroupID()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", k.PID))
	if err != nil {
		t.Fatal(err)
	}
	_, p, _ := strings.Cut(string(text), "0::")
	p, _, _ = strings.Cut(p, "\n")
	return k, Container{ID: spec.ID, CgroupID: id, CgroupPath: p, PID: uint32(k.PID)}
}

func TestResolve(t *testing.T) {
	daemon, image := newRuntime(t)
	r := newResolver(t, Options{Sockets: []string{daemon.Address}})
	_, want := run(t, daemon, testenv.ContainerSpec{ID: hexID, Image: image, Pod: "web-0", Name: "web"})
	paths := map[string]string{
		"reported":       want.CgroupPath,
		"beginning lost": "truncated:" + want.CgroupPath[5:],
		"only the name":  hexID,
	}
	for name, p := range paths {
		t.Run(name, func(t *testing.T) {
			got, ok, err := r.Resolve(t.Context(), want.CgroupID, p)
			if err != nil || !ok {
				t.Fatalf("Resolve(%d, %q) = %t, %v; want it found", want.CgroupID, p, ok, err)
			}
			if got.ID != want.ID || got.CgroupID != want.CgroupID || got.CgroupPath != want.CgroupPath {
				t.Errorf("Resolve(%d, %q) = %+v, want %+v", want.CgroupID, p, got, want)
			}
			if !isDigest(got.ImageDigest) || got.Image != image {
				t.Errorf("image %q has digest %q", got.Image, got.ImageDigest)
			}
			key := Key{"default", "Pod", "web-0", "web", got.ImageDigest}
			if got.Key() != key {
				t.Errorf("Key() = %v, want %v", got.Key(), key)
			}
		})
	}
}

// TestResolveWaits asks for a container before its record exists.
func TestResolveWaits(t *testing.T) {
	daemon, image := newRuntime(t)
	r := newResolver(t, Options{Sockets: []string{daemon.Address}, Patience: testTimeout})
	_, first := run(t, daemon, testenv.ContainerSpec{ID: "first", Image: image})
	p := filepath.Dir(first.CgroupPath) + "/" + hexID
	var g errgroup.Group
	g.Go(func() error {
		c, ok, err := r.Resolve(t.Context(), 12345, p)
		if err != nil || !ok || c.ID != hexID {
			return fmt.Errorf("Resolve(%q) = %q, %t, %w", p, c.ID, ok, err)
		}
		return nil
	})
	for r.Stats().InFlight == 0 {
		runtime.Gosched()
	}
	run(t, daemon, testenv.ContainerSpec{ID: hexID, Image: image})
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

// TestImpostors makes cgroups with a container's name where a hostile container
// could make them.
func TestImpostors(t *testing.T) {
	daemon, image := newRuntime(t)
	r := newResolver(t, Options{Sockets: []string{daemon.Address}})
	_, victim := run(t, daemon, testenv.ContainerSpec{ID: hexID, Image: image})
	_, hostile := run(t, daemon, testenv.ContainerSpec{ID: "hostile", Image: image})
	base, dir := makeCgroup(t, "x"+victim.CgroupPath)
	nested, err := inode(dir)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"same name below":         hostile.CgroupPath + "/" + hexID,
		"as systemd would say it": hostile.CgroupPath + "/cri-containerd-" + hexID + ".scope",
		"whole path below":        hostile.CgroupPath + victim.CgroupPath,
		"whole path elsewhere":    base + "/x" + victim.CgroupPath,
		"beginning lost":          "truncated:" + victim.CgroupPath,
		"only the name left":      hexID,
		"below the victim":        victim.CgroupPath + "/" + hexID,
	}
	for name, p := range tests {
		t.Run(name, func(t *testing.T) {
			before := r.Stats().Impostors
			c, ok, err := r.Resolve(t.Context(), nested, p)
			if ok || err != nil {
				t.Errorf("Resolve(%q) = %s, %t, %v; want nobody", p, c.ID, ok, err)
			}
			if r.Stats().Impostors == before {
				t.Errorf("Resolve(%q) counted no impostor", p)
			}
		})
	}
}

func TestRunning(t *testing.T) {
	daemon, image := newRuntime(t)
	_, want := run(t, daemon, testenv.ContainerSpec{ID: "one", Image: image})
	ended, _ := run(t, daemon, testenv.ContainerSpec{ID: "two", Image: image})
	root, err := testenv.CgroupRoot()
	if err != nil {
		t.Fatal(err)
	}
	nested := filepath.Join(root, want.CgroupPath, "nested")
	if err := os.Mkdir(nested, 0o755); err != nil {
		t.Fatal(err)
	}
	child := spawnIn(t, nested)
	if err := syscall.Kill(ended.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for ended.Running() { // it stays a zombie until the shim has seen its end
		time.Sleep(time.Millisecond)
	}
	r := newResolver(t, Options{Sockets: []string{"/nonexistent", daemon.Address, daemon.Address}})
	got, err := r.Running(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 {
		t.Fatalf("Running() = %+v, want one container", got)
	}
	c := got[0]
	if c.ID != want.ID || c.CgroupID != want.CgroupID || c.PID != want.PID || !c.Running {
		t.Errorf("Running() = %+v, want %+v", c, want)
	}
	if age := time.Since(c.StartedAt); age < 0 || age > testTimeout {
		t.Errorf("StartedAt is %v ago", age)
	}
	slices.Sort(c.PIDs)
	pids := []uint32{want.PID, child}
	slices.Sort(pids)
	if !slices.Equal(c.PIDs, pids) {
		t.Errorf("PIDs = %v, want %v", c.PIDs, pids)
	}
}

// TestChurn makes and deletes many records while their cgroups are resolved.
func TestChurn(t *testing.T) {
	const total, parallel = 500, 20
	daemon, image := newRuntime(t)
	before := runtime.NumGoroutine()
	r := newResolver(t, Options{Sockets: []string{daemon.Address}})
	client := r.containerd[0].containers
	ctx := inNamespace(t.Context(), testenv.Namespace)
	var g errgroup.Group
	g.SetLimit(parallel)
	for i := range total {
		g.Go(func() error {
			id := fmt.Sprintf("%064x", i)
			p := "/kubepods/pod" + podUID + "/" + id
			var lookups errgroup.Group
			lookups.Go(func() error {
				c, ok, err := r.Resolve(ctx, uint64(1000+i), p)
				if err != nil || !ok || c.ID != id || c.CgroupID != uint64(1000+i) || c.Owner.Name != "web-"+id {
					return fmt.Errorf("Resolve(%q) = %+v, %t, %w", p, c, ok, err)
				}
				return nil
			})
			container := &containersv1.Container{
				ID:    id,
				Image: image,
				Spec: &anypb.Any{
					TypeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Spec",
					Value:   fmt.Appendf(nil, `{"linux":{"cgroupsPath":%q}}`, p),
				},
				Runtime: &containersv1.Container_Runtime{Name: "io.containerd.runc.v2"},
				Labels:  map[string]string{labelKind: "container", labelPodUID: podUID, labelPodName: "web-" + id},
			}
			if _, err := client.Create(ctx, &containersv1.CreateContainerRequest{Container: container}); err != nil {
				return err
			}
			if err := lookups.Wait(); err != nil {
				return err
			}
			_, err := client.Delete(ctx, &containersv1.DeleteContainerRequest{ID: id})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := r.Stats(); got.Resolved != total || got.InFlight != 0 {
		t.Errorf("Stats() = %+v, want %d resolved and none in flight", got, total)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	r.containerd = nil
	expectGoroutines(t, before)
}

// expectGoroutines waits until no more goroutines run than before.
func expectGoroutines(t *testing.T, before int) {
	t.Helper()
	deadline := time.Now().Add(testTimeout)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, want %d:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
		time.Sleep(time.Millisecond)
	}
}

// TestFlood resolves 10,000 cgroups that look like containers and are not.
func TestFlood(t *testing.T) {
	const total, waiting = 10_000, 50
	daemon, _ := newRuntime(t)
	r := newResolver(t, Options{
		Sockets:    []string{daemon.Address},
		Patience:   100 * time.Millisecond,
		MaxWaiting: waiting,
	})
	var found atomic.Int64
	var wg sync.WaitGroup
	limit := make(chan struct{}, 4*waiting)
	for i := range total {
		limit <- struct{}{}
		wg.Go(func() {
			defer func() { <-limit }()
			if _, ok, _ := r.Resolve(t.Context(), uint64(i), fmt.Sprintf("/kubepods/%064x", i)); ok {
				found.Add(1)
			}
		})
	}
	wg.Wait()
	s := r.Stats()
	if found.Load() != 0 || s.Unknown != total || s.InFlight != 0 {
		t.Errorf("found %d, Stats() = %+v; want none found, %d unknown, none in flight", found.Load(), s, total)
	}
	if s.Unwaited == 0 || s.Unwaited+s.TimedOut != total {
		t.Errorf("Stats() = %+v, want every one either waited for in vain or not waited for", s)
	}
}

// TestResolveEnds ends the context of a call that waits.
func TestResolveEnds(t *testing.T) {
	daemon, _ := newRuntime(t)
	r := newResolver(t, Options{Sockets: []string{daemon.Address}, Patience: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, _, err := r.Resolve(ctx, 1, "/kubepods/"+hexID)
		done <- err
	}()
	for r.Stats().InFlight == 0 {
		runtime.Gosched()
	}
	cancel()
	select {
	case err := <-done:
		if err == nil {
			t.Error("Resolve() with an ended context gave no error")
		}
	case <-time.After(testTimeout):
		t.Error("Resolve() did not end with its context")
	}
}

// TestMuteRuntime asks a socket that nobody answers at.
func TestMuteRuntime(t *testing.T) {
	if _, err := testenv.CgroupRoot(); err != nil {
		testenv.Skip(t, "needs cgroup v2: %v", err)
	}
	socket := filepath.Join(t.TempDir(), "mute.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	r := newResolver(t, Options{Sockets: []string{socket}, Patience: time.Millisecond})
	_, ok, err := r.Resolve(t.Context(), 1, "/kubepods/"+hexID)
	if ok || err == nil {
		t.Errorf("Resolve() = %t, %v; want an error", ok, err)
	}
	if got := r.Stats().Errors; got != 1 {
		t.Errorf("%d errors counted, want 1", got)
	}
}
