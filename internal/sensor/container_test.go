package sensor

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
	"bobwatch/internal/testenv"
)

// ownMounts gives the child a mount namespace, as a container has one.
func ownMounts(cmd *exec.Cmd) {
	cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNS
}

// learnContainer makes a cgroup that is learning, as a container's.
func learnContainer(t *testing.T, s *Sensor) cgroup {
	t.Helper()
	c := newCgroup(t)
	if err := s.Learn(c.id, Known{}); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRuntimeIsToldApart(t *testing.T) {
	s := sharedSensor(t)
	c := learnContainer(t, s)
	dir := t.TempDir()
	busybox, err := os.ReadFile(testenv.Command(t, "busybox"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "busybox"), busybox, 0o755); err != nil {
		t.Fatal(err)
	}
	c.act(t, "enter", []string{dir})
	var runtimeCall, entrypoint, workload bool
	for _, ev := range drain(t, s, c.id) {
		isRuntime := ev.Has(event.FlagRuntime)
		switch {
		case ev.Kind == event.KindSyscall && ev.Nr == unix.SYS_GETPRIORITY:
			runtimeCall = true
			if !isRuntime {
				t.Error("the runtime's call is taken for the workload's")
			}
		case ev.Kind == event.KindSyscall && ev.Nr == unix.SYS_EXIT_GROUP && !isRuntime:
			workload = true
		case ev.Kind == event.KindSyscall && ev.Nr == unix.SYS_CHROOT && !isRuntime:
			t.Error("chroot before the entrypoint is taken for the workload's")
		case ev.Kind == event.KindExec && !isRuntime:
			entrypoint = true
			if got := string(ev.Args); got != "busybox\x00sync\x00/\x00" || ev.Origin != event.OriginEntrypoint {
				t.Errorf("entrypoint = %q with origin %d", got, ev.Origin)
			}
		}
	}
	if !runtimeCall || !entrypoint || !workload {
		t.Errorf("runtime's call seen: %t, entrypoint: %t, its calls: %t", runtimeCall, entrypoint, workload)
	}
}

func TestSecondEntryIsFromOutside(t *testing.T) {
	s := sharedSensor(t)
	c := learnContainer(t, s)
	c.act(t, "getppid", nil, ownMounts)
	drain(t, s, c.id)
	c.act(t, "exec", []string{"/bin/true"}, ownMounts)
	n := 0
	for _, ev := range drain(t, s, c.id) {
		if ev.Kind == event.KindExec {
			n++
			if ev.Origin != event.OriginOutside || ev.Has(event.FlagTTY) {
				t.Errorf("exec of %s: origin %d, flags %b; want from outside without a terminal", ev.Path, ev.Origin, ev.Flags)
			}
		}
	}
	if n != 2 {
		t.Errorf("%d executions reported, want 2", n)
	}
}

func TestNestedCgroupBelongsToItsContainer(t *testing.T) {
	s := sharedSensor(t)
	c := learnContainer(t, s)
	nested := filepath.Join(c.dir, "nested")
	c.act(t, "nest", []string{nested}, ownMounts)
	events := drain(t, s, c.id)
	if syscallCount(events, unix.SYS_GETPPID, event.ABINative) != 1 {
		t.Error("a call made in a nested cgroup is not the container's")
	}
	for _, ev := range events {
		if ev.Kind == event.KindMoved {
			t.Error("moving into a nested cgroup is taken for leaving")
		}
	}
}

// TestLeavingIsReportedAndFollowed has a process move itself elsewhere, call
// getppid there and start a child that calls getsid.
func TestLeavingIsReportedAndFollowed(t *testing.T) {
	s := sharedSensor(t)
	other := newCgroup(t)
	plain := func(*exec.Cmd) {}
	tests := map[string]struct {
		learn       func(*testing.T, *Sensor) cgroup
		setup       func(*exec.Cmd)
		destination string
	}{
		"container to a watched cgroup":    {learnContainer, ownMounts, other.dir},
		"container to an unwatched one":    {learnContainer, ownMounts, cgroupRoot()},
		"plain cgroup to a watched one":    {learnPlain, plain, other.dir},
		"plain cgroup to an unwatched one": {learnPlain, plain, cgroupRoot()},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := tt.learn(t, s)
			pid := c.act(t, "leave", []string{tt.destination}, tt.setup)
			var moved bool
			var parent, child int
			for _, ev := range drain(t, s, c.id) {
				left := ev.Has(event.FlagLeft) && !ev.Has(event.FlagRuntime)
				switch {
				case ev.Kind == event.KindMoved:
					moved = true
					want := strings.TrimPrefix(tt.destination, strings.TrimSuffix(cgroupRoot(), "/"))
					if got := string(ev.Path); got != want && got+want != "/" {
						t.Errorf("destination = %q, want %q", got, want)
					}
				case ev.Kind == event.KindSyscall && ev.Nr == unix.SYS_GETPPID && left:
					parent++
				case ev.Kind == event.KindSyscall && ev.Nr == unix.SYS_GETSID && left:
					child++
					if ev.NAncestors == 0 || int(ev.Ancestors[0].PID) != pid {
						t.Errorf("ancestors of the child = %+v, want process %d, which left", ev.Ancestors[:ev.NAncestors], pid)
					}
				}
			}
			if !moved || parent != 1 || child != 1 {
				t.Errorf("leaving reported: %t, what left followed: %d call, its child: %d; want all", moved, parent, child)
			}
			if left := atomic.LoadUint64(&s.state.Left); left != 0 {
				t.Errorf("%d processes are followed still", left)
			}
		})
	}
}

// TestClonedOutIsReported starts a child of a plain service in another cgroup.
func TestClonedOutIsReported(t *testing.T) {
	s := sharedSensor(t)
	c := learnPlain(t, s)
	other := newCgroup(t)
	c.act(t, "clone out", []string{other.dir})
	events := drain(t, s, c.id)
	moved := slices.ContainsFunc(events, func(ev *event.Event) bool { return ev.Kind == event.KindMoved })
	if !moved || syscallCount(events, unix.SYS_GETSID, event.ABINative) != 1 {
		t.Errorf("clone into another cgroup reported: %t, calls of the clone: %d, want 1",
			moved, syscallCount(events, unix.SYS_GETSID, event.ABINative))
	}
}

func TestAdopt(t *testing.T) {
	testenv.Root(t)
	c := newCgroup(t)
	cmd := exec.Command(testenv.Command(t, "sh"), "-c", "read line; getconf PAGE_SIZE >/dev/null; cat /dev/null; read line")
	fd, err := unix.Open(c.dir, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd, Cloneflags: syscall.CLONE_NEWNS}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := testSensor(t, Options{})
	adoption := Adoption{Cgroup: c.id, PIDs: []int{cmd.Process.Pid}, Runtime: os.Getpid()}
	for range 2 { // adopting twice changes nothing
		if err := s.Adopt(adoption); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Learn(c.id, Known{}); err != nil {
		t.Fatal(err)
	}
	stdin.Write([]byte("go\ngo\n"))
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	cat, err := filepath.EvalSymlinks(testenv.Command(t, "cat"))
	if err != nil {
		t.Fatal(err)
	}
	ev := findPath(drain(t, s, c.id), event.KindExec, cat)
	if ev == nil {
		t.Fatal("execution in an adopted container not reported")
	}
	if ev.Has(event.FlagRuntime) || ev.Origin != event.OriginEntrypoint {
		t.Errorf("flags %b, origin %d: want a descendant of the entrypoint", ev.Flags, ev.Origin)
	}
	if ev.NAncestors != 1 || int(ev.Ancestors[0].PID) != cmd.Process.Pid {
		t.Errorf("ancestors = %+v, want the shell alone", ev.Ancestors[:ev.NAncestors])
	}
}

func TestForget(t *testing.T) {
	s := sharedSensor(t)
	c := learnContainer(t, s)
	s.Forget(c.id)
	c.act(t, "getppid", nil, ownMounts)
	if events := drain(t, s, c.id); len(events) > 1 { // its creation alone
		t.Errorf("%d events of a forgotten cgroup", len(events))
	}
	if err := s.Learn(c.id, Known{}); err == nil {
		t.Error("Learn of a forgotten cgroup succeeded")
	}
}

// atTerminal gives the child a session with a terminal.
func atTerminal(t *testing.T) func(*exec.Cmd) {
	t.Helper()
	ptmx, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ptmx.Close() })
	if err := unix.IoctlSetPointerInt(int(ptmx.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(ptmx.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return func(cmd *exec.Cmd) {
		cmd.Stdin = tty
		cmd.SysProcAttr.Setsid = true
		cmd.SysProcAttr.Setctty = true
	}
}

func TestInteractiveActsStayNews(t *testing.T) {
	s := sharedSensor(t)
	c := learnContainer(t, s)
	c.act(t, "nothing", nil, ownMounts)
	drain(t, s, c.id)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, act := range []struct {
		name string
		args []string
	}{{"getppid", nil}, {"open", []string{file}}} {
		c.act(t, act.name, act.args, ownMounts, atTerminal(t))
	}
	events := drain(t, s, c.id)
	if syscallCount(events, unix.SYS_GETPPID, event.ABINative) == 0 || findPath(events, event.KindOpen, file) == nil {
		t.Error("what is done at a terminal is not reported")
	}
	for _, ev := range events {
		if !ev.Has(event.FlagRuntime) && (!ev.Has(event.FlagTTY) || ev.Origin != event.OriginOutside) {
			t.Errorf("%+v is not marked as done at a terminal from outside", ev)
		}
	}
	c.act(t, "getppid", nil, ownMounts)
	c.act(t, "open", []string{file}, ownMounts)
	events = drain(t, s, c.id)
	if syscallCount(events, unix.SYS_GETPPID, event.ABINative) != 1 {
		t.Error("a call is taken for known because somebody at a terminal made it")
	}
	if findPath(events, event.KindOpen, file) == nil {
		t.Error("a file is taken for known because somebody at a terminal opened it")
	}
}

// TestForgottenProcessesAreNobodys has a process of a forgotten cgroup live on
// while another container takes the slot.
func TestForgottenProcessesAreNobodys(t *testing.T) {
	s := sharedSensor(t)
	c := learnContainer(t, s)
	fd, err := unix.Open(c.dir, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	cmd := exec.Command(testenv.Command(t, "sh"), "-c", "read line; (:); (:)")
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd, Cloneflags: syscall.CLONE_NEWNS}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slot := s.find(c.id)
	s.Forget(c.id)
	heir := newCgroup(t)
	s.Forget(heir.id)
	s.state.Owner[slot] = uint16(slot)
	s.state.Ids[slot/ways][slot%ways] = heir.id
	defer s.Forget(heir.id)
	defer func() { s.state.Ids[slot/ways][slot%ways] = 0 }()
	drain(t, s, heir.id)
	stdin.Write([]byte("go\n"))
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, ev := range drain(t, s, heir.id) {
		t.Errorf("event of kind %d, path %q, of a process of another cgroup", ev.Kind, ev.Path)
	}
}

func TestBucketsFillEvenly(t *testing.T) {
	for stride := uint64(1); stride <= 512; stride++ {
		var filled [1 << bucketBits]int
		for i := range uint64(1000) {
			bucket := bucketOf(80000 + i*stride)
			if filled[bucket]++; filled[bucket] > ways {
				t.Fatalf("stride %d: container %d of 1,000 finds no room", stride, i)
			}
		}
	}
}
