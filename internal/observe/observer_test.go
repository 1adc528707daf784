package observe

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/testenv"
	"bobwatch/internal/workload"
)

// recordCommand records a shell script until it ends, or for limit if that is
// not 0, and returns what it is and how it ended.
func recordCommand(t *testing.T, limit time.Duration, script string) (*profile.Profile, *exec.Cmd) {
	t.Helper()
	testenv.Root(t)
	p, cmd, err := recordScript(t.Context(), limit, script)
	if err != nil {
		t.Fatal(err)
	}
	noCgroupsLeft(t)
	return p, cmd
}

func recordScript(ctx context.Context, limit time.Duration, script string) (*profile.Profile, *exec.Cmd, error) {
	cmd := exec.Command("/bin/sh", "-c", script)
	o, err := Command(cmd)
	if err != nil {
		return nil, nil, err
	}
	if limit > 0 {
		limited, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		ctx = limited
	}
	recorder := NewRecorder()
	if err := errors.Join(o.Run(ctx, recorder), o.Close()); err != nil {
		return nil, nil, err
	}
	p, err := recorder.Document("test")
	return p, cmd, err
}

func noCgroupsLeft(t *testing.T) {
	t.Helper()
	root, err := testenv.CgroupRoot()
	if err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(root, "bobctl-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left cgroups %q, %v", left, err)
	}
}

// executed reports whether a document has a program of this name.
func executed(p *profile.Profile, name string) bool {
	return slices.ContainsFunc(p.Spec.Containers, func(c profile.Container) bool {
		return slices.ContainsFunc(c.Execs, func(e profile.Exec) bool { return filepath.Base(e.Path) == name })
	})
}

func TestCommand(t *testing.T) {
	p, cmd := recordCommand(t, 0, "cat /etc/hostname; exit 3")
	if got := cmd.ProcessState.ExitCode(); got != 3 {
		t.Errorf("exit code %d, want 3", got)
	}
	if p.Metadata.Name != "sh" || p.Spec.Workload.Name != "sh" || len(p.Spec.Containers) != 1 {
		t.Fatalf("document %s of %d containers", p.Metadata.Name, len(p.Spec.Containers))
	}
	if got := p.Spec.Provenance; got.From != "start" || got.Completeness != profile.Complete || got.Lost != 0 {
		t.Errorf("provenance %+v, want a complete one", got)
	}
	c := p.Spec.Containers[0]
	wantOpen := func(o profile.Open) bool {
		return o.Path == "/etc/hostname" && slices.Equal(o.Flags, []string{"O_RDONLY"})
	}
	if !slices.ContainsFunc(c.Opens, wantOpen) {
		t.Errorf("opens %v lack /etc/hostname", c.Opens)
	}
	if len(c.Execs) != 2 || !executed(p, "cat") {
		t.Errorf("execs %v, want the shell and cat", c.Execs)
	}
	for _, calls := range c.Syscalls {
		// What this process does between clone and execve is not the command's.
		if !slices.Contains(calls, "exit_group") {
			t.Errorf("system calls %v", calls)
		}
		if slices.Contains(calls, "setsid") || slices.Contains(calls, "clone3") {
			t.Errorf("system calls %v have those of whoever starts it", calls)
		}
	}
}

// What a command leaves running is still the command.
func TestCommandLeavesADaemon(t *testing.T) {
	p, _ := recordCommand(t, 0, "(sleep 0.3; date) >/dev/null 2>&1 & exit 0")
	if !executed(p, "date") {
		t.Errorf("what the daemon did is not recorded: %v", p.Spec.Containers[0].Execs)
	}
}

// What it does when it is told to end is recorded, and nothing survives.
func TestCommandIsEnded(t *testing.T) {
	tests := map[string]struct {
		script string
		want   string
	}{
		"obeys":   {"trap 'id >/dev/null; exit 0' TERM; while :; do sleep 0.05; done", "id"},
		"ignores": {"trap '' TERM; while :; do sleep 0.05; done", "sleep"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, cmd := recordCommand(t, 300*time.Millisecond, tt.script)
			if !executed(p, tt.want) {
				t.Errorf("%s is not recorded: %v", tt.want, p.Spec.Containers[0].Execs)
			}
			if cmd.ProcessState == nil {
				t.Error("the command was not waited for")
			}
		})
	}
}

func TestCommandThatCannotStart(t *testing.T) {
	testenv.Root(t)
	o, err := Command(exec.Command("/nonexistent"))
	if err != nil {
		t.Fatal(err)
	}
	err = o.Run(t.Context(), NewRecorder())
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Run: %v, want that it does not exist", err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	noCgroupsLeft(t)
}

// Two may observe at once, and each sees its own.
func TestTwoObservers(t *testing.T) {
	testenv.Root(t)
	var documents [2]*profile.Profile
	var group errgroup.Group
	for i, script := range []string{"date >/dev/null; sleep 0.5", "id >/dev/null; sleep 0.5"} {
		group.Go(func() (err error) {
			documents[i], _, err = recordScript(t.Context(), 0, script)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	one, other := documents[0], documents[1]
	if !executed(one, "date") || executed(one, "id") || !executed(other, "id") || executed(other, "date") {
		t.Errorf("mixed up: %v and %v", one.Spec.Containers, other.Spec.Containers)
	}
	noCgroupsLeft(t)
}

// newContainerd is a private containerd with an image of busybox.
func newContainerd(t *testing.T) (*testenv.Containerd, testenv.Image) {
	t.Helper()
	c := testenv.NewContainerd(t)
	busybox, err := os.ReadFile(testenv.Command(t, "busybox"))
	if err != nil {
		t.Fatal(err)
	}
	image := testenv.Image{
		Ref: "localhost/observed:1",
		Files: []testenv.File{
			{Path: "/bin/busybox", Mode: 0o755, Data: busybox},
			{Path: "/bin/sh", Link: "busybox"},
		},
		Entrypoint: []string{"/bin/sh", "-c", "trap 'exit 0' TERM; while :; do /bin/busybox sleep 0.1; /bin/busybox cat /bin/sh >/dev/null; done"},
	}
	if err := c.Import(t.Context(), image); err != nil {
		t.Fatal(err)
	}
	return c, image
}

// signals is a Handler that tells when a container begins.
type signals struct {
	*Recorder
	begun chan *Subject
}

func (s *signals) Begin(subject *Subject) {
	s.Recorder.Begin(subject)
	s.begun <- subject
}

// TestContainers attaches to a pod's container that runs, and follows the pod
// over a restart.
func TestContainers(t *testing.T) {
	daemon, image := newContainerd(t)
	first, err := daemon.Run(t.Context(), testenv.ContainerSpec{ID: "first", Image: image.Ref, Pod: "web-0", Name: "web"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := daemon.Run(t.Context(), testenv.ContainerSpec{ID: "stranger", Image: image.Ref}); err != nil {
		t.Fatal(err)
	}
	o, err := Containers(Target{Pod: Pod{Namespace: "default", Name: "web-0"}}, []string{daemon.Address})
	if err != nil {
		t.Fatal(err)
	}
	h := &signals{Recorder: NewRecorder(), begun: make(chan *Subject, 10)}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- o.Run(ctx, h) }()
	if s := <-h.begun; s.Container.ID != "first" || s.StartSeen {
		t.Errorf("began with %s, start seen: %t", s.Container.ID, s.StartSeen)
	}
	time.Sleep(500 * time.Millisecond)
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := daemon.Run(t.Context(), testenv.ContainerSpec{ID: "second", Image: image.Ref, Pod: "web-0", Name: "web"}); err != nil {
		t.Fatal(err)
	}
	if s := <-h.begun; s.Container.ID != "second" || !s.StartSeen {
		t.Errorf("went on with %s, start seen: %t", s.Container.ID, s.StartSeen)
	}
	time.Sleep(500 * time.Millisecond)
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	p, err := h.Document("test")
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Spec.Workload; got.Namespace != "default" || got.Name != "web-0" || len(p.Spec.Containers) != 1 {
		t.Fatalf("document of %+v with %d containers", got, len(p.Spec.Containers))
	}
	c := p.Spec.Containers[0]
	if c.Name != "web" || len(c.Images) != 1 || !strings.HasPrefix(c.Images[0], image.Ref+"@sha256:") {
		t.Errorf("container %s of image %q", c.Name, c.Images)
	}
	for _, e := range c.Execs {
		if e.Path != "/bin/busybox" {
			t.Errorf("recorded %v, which is not the container's", e)
		}
	}
	if entry := []string{"/bin/sh", "-c"}; !slices.ContainsFunc(c.Execs, func(e profile.Exec) bool { return len(e.Args) > 2 && slices.Equal(e.Args[:2], entry) }) {
		t.Errorf("the second start is not recorded: %v", c.Execs)
	}
}

// One container is observed until it ends.
func TestContainerEnds(t *testing.T) {
	daemon, image := newContainerd(t)
	k, err := daemon.Run(t.Context(), testenv.ContainerSpec{ID: "0123456789abcdef", Image: image.Ref})
	if err != nil {
		t.Fatal(err)
	}
	o, err := Containers(Target{Container: "0123"}, []string{daemon.Address})
	if err != nil {
		t.Fatal(err)
	}
	h := &signals{Recorder: NewRecorder(), begun: make(chan *Subject, 10)}
	done := make(chan error, 1)
	go func() { done <- o.Run(t.Context(), h) }()
	<-h.begun
	time.Sleep(300 * time.Millisecond)
	if err := k.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the observation goes on without the container")
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	p, err := h.Document("test")
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Spec.Provenance; got.From != "attach" || got.Completeness != profile.Partial {
		t.Errorf("provenance %+v, want a partial one: the start was not seen", got)
	}
	if !executed(p, "busybox") {
		t.Error("nothing is recorded")
	}
}

func TestContainerIsNotThere(t *testing.T) {
	daemon, image := newContainerd(t)
	for _, id := range []string{"twin-1", "twin-2"} {
		if _, err := daemon.Run(t.Context(), testenv.ContainerSpec{ID: id, Image: image.Ref, Name: "twin"}); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]struct {
		target Target
		want   string
	}{
		"no such pod": {Target{Pod: Pod{Namespace: "default", Name: "none"}}, "pod default/none: no such container runs"},
		"two of them": {Target{Container: "twin"}, "2 containers are called so"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o, err := Containers(tt.target, []string{daemon.Address})
			if err != nil {
				t.Fatal(err)
			}
			defer o.Close()
			err = o.Run(t.Context(), NewRecorder())
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "twin-2") {
				t.Errorf("Run: %v, want %q and what there is", err, tt.want)
			}
		})
	}
}

// A cgroup that is no container's is observed by its path.
func TestCgroup(t *testing.T) {
	testenv.Root(t)
	root, err := testenv.CgroupRoot()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(root, "bobwatch-observe-*[a]")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", "echo 0 >"+strings.NewReplacer("*", `\*`, "[", `\[`).Replace(dir)+"/cgroup.procs && while :; do sleep 0.05; done")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(kill(dir), removeCgroup(dir)); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if populated, err := isPopulated(dir); err == nil && populated {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the shell did not move")
		}
	}
	o, err := Containers(Target{Cgroup: "/" + filepath.Base(dir)}, []string{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	r := NewRecorder()
	if err := errors.Join(o.Run(ctx, r), o.Close()); err != nil {
		t.Fatal(err)
	}
	p, err := r.Document("test")
	if err != nil {
		t.Fatal(err)
	}
	if !executed(p, "sleep") {
		t.Errorf("recorded %+v", p.Spec)
	}
}

// What the kernel could not tell makes a document partial.
func TestLossIsTold(t *testing.T) {
	r := NewRecorder()
	s := &Subject{Container: workload.Container{Name: "web", Owner: workload.Owner{Name: "web"}}, StartSeen: true, Began: time.Now()}
	r.Begin(s)
	ev := event.Event{Kind: event.KindExec, Path: []byte("/bin/true"), Args: []byte("true\x00")}
	r.Act(s, &ev)
	r.Act(s, &ev)
	s.Lost, s.Ended = 2, time.Now()
	r.End(s)
	p, err := r.Document("test")
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Spec.Provenance; got.Lost != 2 || got.Completeness != profile.Partial {
		t.Errorf("provenance %+v, want two records lost", got)
	}
	if got := r.Progress(); got.Execs != 1 || got.Lost != 2 {
		t.Errorf("progress %+v, want one execution and two losses", got)
	}
	if text, err := profile.Marshal(p); err != nil || !bytes.Contains(text, []byte("lost: 2")) {
		t.Errorf("%s, %v", text, err)
	}
}
