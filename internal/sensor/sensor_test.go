package sensor

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
	"bobwatch/internal/syscalls"
	"bobwatch/internal/testenv"
)

// actVariable makes the test binary perform one act in place of the tests.
const actVariable = "BOBWATCH_TEST_ACT"

func TestMain(m *testing.M) {
	if act := os.Getenv(actVariable); act != "" {
		os.Exit(perform(act, os.Args[1:]))
	}
	code := m.Run()
	if shared != nil {
		if err := shared.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// perform does what a test asked its child for.
func perform(act string, args []string) int {
	runtime.LockOSThread()
	switch act {
	case "unprivileged":
		_, err := Open(Options{})
		fmt.Println(err)
	case "getppid":
		for range 3 {
			unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
		}
	case "x32":
		unix.RawSyscall(unix.SYS_GETPPID|1<<30, 0, 0, 0)
	case "number":
		unix.RawSyscall(4000, 0, 0, 0)
	case "open":
		for _, name := range args {
			if f, err := os.Open(name); err == nil {
				f.Close()
			}
		}
	case "write":
		os.WriteFile(args[0], nil, 0o600)
	case "refused":
		unix.Setuid(65534)
		for _, name := range args {
			os.Open(name)
		}
	case "exec":
		if err := syscall.Exec(args[0], args, nil); err != nil {
			return 1
		}
	case "flood":
		return flood(args[0], number(args[1]))
	case "open by handle":
		return openByHandle(args[0])
	case "replace descriptors":
		return replaceDescriptors(args[0], number(args[1]))
	case "execute":
		return execMany(number(args[0]), number(args[1]))
	case "open detached":
		return openDetached(args)
	case "memfd":
		return execMemfd()
	case "enter":
		return enter(args[0])
	case "connect":
		return connect(args[0])
	case "nest":
		return move(args[0], true)
	case "getsid":
		unix.RawSyscall(unix.SYS_GETSID, 0, 0, 0)
	case "clone out":
		return performInChild(args[0])
	case "leave":
		return move(args[0], false)
	case "hold sockets":
		return holdSockets(args[0])
	default:
		if code, ok := performChange(act, args); ok {
			return code
		}
		return performNetwork(act, args)
	}
	return 0
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return n
}

// enter does what a runtime does: it calls something on the host's root, then
// becomes a program on the root at dir.
func enter(dir string) int {
	unix.RawSyscall(unix.SYS_GETPRIORITY, 0, 0, 0)
	if err := unix.Chroot(dir); err != nil {
		return 1
	}
	if err := unix.Chdir("/"); err != nil {
		return 1
	}
	if err := syscall.Exec("/busybox", []string{"busybox", "sync", "/"}, nil); err != nil {
		return 1
	}
	return 0
}

// move moves this process into the cgroup at dir, which it makes if asked to,
// calls getppid there and moves back to where it was.
func move(dir string, create bool) int {
	if create {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return 1
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte("0"), 0); err != nil {
		return 1
	}
	unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
	if !create {
		return performInChild("")
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(dir), "cgroup.procs"), []byte("0"), 0); err != nil {
		return 1
	}
	if err := os.Remove(dir); err != nil {
		return 1
	}
	return 0
}

// performInChild calls getsid in a child, which starts in the cgroup at dir
// unless that is empty.
func performInChild(dir string) int {
	cmd := exec.Command("/proc/self/exe")
	if dir != "" {
		fd, err := unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return 1
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd}
	}
	cmd.Env = []string{actVariable + "=getsid"}
	if cmd.Run() != nil {
		return 1
	}
	return 0
}

// connect connects to an address of the loopback device and to one where nobody
// listens, sends to the first one's port without connecting, and calls getppid
// three times. Whatever else the Go runtime may call is not among these.
func connect(address string) int {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return 1
	}
	for _, port := range []int{int(to.Port()), 1} {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return 1
		}
		_ = unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: to.Addr().As4()})
	}
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM, 0)
	if err != nil {
		return 1
	}
	if err := unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrInet6{Port: int(to.Port()), Addr: netip.IPv6Loopback().As16()}); err != nil {
		return 1
	}
	for range 3 {
		unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
	}
	return 0
}

// execMemfd runs /bin/true from memory.
func execMemfd() int {
	program, err := os.ReadFile("/bin/true")
	if err != nil {
		return 1
	}
	fd, err := unix.MemfdCreate("payload", 0)
	if err != nil {
		return 1
	}
	unix.Write(fd, program)
	empty := [1]byte{}
	argv := []*byte{&empty[0], nil}
	unix.Syscall6(unix.SYS_EXECVEAT, uintptr(fd), uintptr(unsafe.Pointer(&empty[0])),
		uintptr(unsafe.Pointer(&argv[0])), 0, unix.AT_EMPTY_PATH, 0)
	return 1
}

// shared is one sensor for the tests that look at their own cgroup only: to
// load the programs takes long on emulated machines.
var shared *Sensor

func sharedSensor(t *testing.T) *Sensor {
	t.Helper()
	testenv.Root(t)
	if shared == nil {
		s, err := Open(Options{})
		if err != nil {
			t.Fatal(err)
		}
		shared = s
	}
	drainAll(t, shared) // or what earlier tests left takes the room
	return shared
}

// testSensor opens a sensor that pins nothing.
func testSensor(t *testing.T, opts Options) *Sensor {
	t.Helper()
	testenv.Root(t)
	s, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// cgroup is a v2 cgroup of one test.
type cgroup struct {
	dir string
	id  uint64
}

// cgroupRoot is where the v2 hierarchy is mounted.
func cgroupRoot() string {
	const hybrid = "/sys/fs/cgroup/unified"
	if _, err := os.Stat(hybrid + "/cgroup.procs"); err == nil {
		return hybrid
	}
	return "/sys/fs/cgroup"
}

func newCgroup(t *testing.T) cgroup {
	t.Helper()
	dir, err := os.MkdirTemp(cgroupRoot(), "bobwatch-sensor-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Errorf("remove cgroup: %v", err)
		}
	})
	return cgroup{dir: dir, id: inode(t, dir)}
}

func inode(t *testing.T, name string) uint64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(name, &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

// act runs the test binary in the cgroup. setup may change how.
func (c cgroup) act(t *testing.T, act string, args []string, setup ...func(*exec.Cmd)) int {
	t.Helper()
	fd, err := unix.Open(c.dir, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = []string{actVariable + "=" + act}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd}
	for _, f := range setup {
		f(cmd)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("act %s: %v", act, err)
	}
	return cmd.Process.Pid
}

// drain returns the events of one cgroup that are pending.
func drain(t *testing.T, s *Sensor, cgroup uint64) []*event.Event {
	t.Helper()
	events := drainAll(t, s)
	return slices.DeleteFunc(events, func(ev *event.Event) bool { return ev.Cgroup != cgroup })
}

// drainAll returns the events that are pending.
func drainAll(t *testing.T, s *Sensor) []*event.Event {
	t.Helper()
	if err := s.Wake(); err != nil {
		t.Fatal(err)
	}
	var events []*event.Event
	for {
		var ev event.Event
		err := s.Read(&ev)
		if errors.Is(err, ErrWoken) {
			return events
		}
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, ev.Clone())
	}
}

func syscallCount(events []*event.Event, nr uint32, abi event.ABI) int {
	n := 0
	for _, ev := range events {
		if ev.Kind == event.KindSyscall && ev.Nr == nr && ev.ABI == abi {
			n++
		}
	}
	return n
}

func findPath(events []*event.Event, kind event.Kind, path string) *event.Event {
	for _, ev := range events {
		if ev.Kind == kind && string(ev.Path) == path {
			return ev
		}
	}
	return nil
}

// learnPlain makes a plain cgroup that is learning with an empty set.
func learnPlain(t *testing.T, s *Sensor) cgroup {
	t.Helper()
	c := newCgroup(t)
	if err := s.SetPlain(c.id); err != nil {
		t.Fatal(err)
	}
	if err := s.Learn(c.id, Known{}); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNewCgroupIsReported(t *testing.T) {
	s := sharedSensor(t)
	c := newCgroup(t)
	events := drain(t, s, c.id)
	if len(events) != 1 || events[0].Kind != event.KindCgroupCreated {
		t.Fatalf("got %d events, want one KindCgroupCreated", len(events))
	}
	if got, want := string(events[0].Path), "/"+filepath.Base(c.dir); got != want {
		t.Errorf("path = %q, want %q", got, want)
	}
}

func TestSyscallIsToldOnce(t *testing.T) {
	s := sharedSensor(t)
	c := learnPlain(t, s)
	pid := c.act(t, "getppid", nil)
	events := drain(t, s, c.id)
	if got := syscallCount(events, unix.SYS_GETPPID, event.ABINative); got != 1 {
		t.Fatalf("getppid reported %d times, want 1", got)
	}
	for _, ev := range events {
		if ev.Nr != unix.SYS_GETPPID || ev.Kind != event.KindSyscall {
			continue
		}
		if int(ev.Process.PID) != pid || ev.Process.UID != 0 || ev.Process.Start == 0 {
			t.Errorf("process = %+v, want pid %d of root", ev.Process, pid)
		}
		if ev.Origin != event.OriginEntrypoint || ev.Has(event.FlagRuntime) {
			t.Errorf("origin %d, flags %b: want an entrypoint's act", ev.Origin, ev.Flags)
		}
	}
	c.act(t, "getppid", nil)
	if got := syscallCount(drain(t, s, c.id), unix.SYS_GETPPID, event.ABINative); got != 0 {
		t.Errorf("known getppid reported %d times", got)
	}
}

func TestGuardedDeviationIsCountedAndRearmed(t *testing.T) {
	const cooldown = 300 * time.Millisecond
	s := testSensor(t, Options{Cooldown: cooldown})
	c := learnPlain(t, s)
	c.act(t, "nothing", nil)
	var allowed Known
	for nr := range uint32(syscalls.MaxNr) {
		if nr != unix.SYS_GETPPID {
			allowed.Native.Add(nr)
		}
	}
	if err := s.Guard(c.id, allowed); err != nil {
		t.Fatal(err)
	}
	drain(t, s, c.id)
	c.act(t, "getppid", nil)
	if got := syscallCount(drain(t, s, c.id), unix.SYS_GETPPID, event.ABINative); got != 1 {
		t.Fatalf("reported %d times, want at once and once", got)
	}
	time.Sleep(2 * cooldown)
	c.act(t, "getppid", nil)
	for _, ev := range drain(t, s, c.id) {
		if ev.Kind == event.KindSyscall && ev.Nr == unix.SYS_GETPPID {
			if ev.Repeats != 2 {
				t.Errorf("repeats = %d, want the 2 that were held back", ev.Repeats)
			}
			return
		}
	}
	t.Error("not reported again after the cooldown")
}

func TestForeignABIsAreNotFoldedIn(t *testing.T) {
	s := sharedSensor(t)
	c := learnPlain(t, s)
	c.act(t, "x32", nil)
	c.act(t, "number", nil)
	events := drain(t, s, c.id)
	if runtime.GOARCH == "amd64" && syscallCount(events, unix.SYS_GETPPID|1<<30, event.ABIX32) == 0 {
		t.Error("x32 call not reported")
	}
	if syscallCount(events, 4000, event.ABIUnknown) == 0 {
		t.Error("call with a number outside of the table not reported")
	}
}

func TestOpens(t *testing.T) {
	s := sharedSensor(t)
	c := learnPlain(t, s)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "a file\nwith a newline and \xff")
	link := filepath.Join(dir, "link")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	c.act(t, "open", []string{link, link, filepath.Join(dir, "missing")})
	c.act(t, "open", []string{file})
	events := drain(t, s, c.id)
	var found []*event.Event
	for _, ev := range events {
		if ev.Kind == event.KindOpen && strings.HasPrefix(string(ev.Path), dir) {
			found = append(found, ev)
		}
	}
	if len(found) != 1 || string(found[0].Path) != file || found[0].Access != event.AccessRead {
		t.Fatalf("got %d opens below %s, want one of %q for reading", len(found), dir, file)
	}
	c.act(t, "write", []string{file})
	ev := findPath(drain(t, s, c.id), event.KindOpen, file)
	if ev == nil || ev.Access != event.AccessWrite || ev.Has(event.FlagCreated) {
		t.Errorf("open for writing = %+v, want it reported besides reading", ev)
	}
	made := filepath.Join(dir, "made")
	c.act(t, "write", []string{made})
	if ev := findPath(drain(t, s, c.id), event.KindOpen, made); ev == nil || !ev.Has(event.FlagCreated) {
		t.Errorf("open of a file that was not there = %+v, want event.FlagCreated", ev)
	}
}

func TestRefusedOpen(t *testing.T) {
	s := sharedSensor(t)
	c := learnPlain(t, s)
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c.act(t, "refused", []string{secret, "secret"}, func(cmd *exec.Cmd) { cmd.Dir = dir })
	for _, ev := range drain(t, s, c.id) {
		if ev.Kind == event.KindOpen && ev.Has(event.FlagRefused) && string(ev.Path) == secret {
			if !ev.Has(event.FlagCallerPath) || ev.Errno != uint32(unix.EACCES) {
				t.Errorf("flags %b errno %d, want the caller's path and EACCES", ev.Flags, ev.Errno)
			}
			return
		}
	}
	t.Error("refused open not reported")
}

func TestRelativePathIsKnownByItsDirectory(t *testing.T) {
	s := sharedSensor(t)
	c := learnPlain(t, s)
	for range 2 {
		dir := t.TempDir()
		secret := filepath.Join(dir, "secret")
		if err := os.WriteFile(secret, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for round, want := range []bool{true, false} { // told once for each directory
			c.act(t, "refused", []string{"secret"}, func(cmd *exec.Cmd) { cmd.Dir = dir })
			if got := findPath(drain(t, s, c.id), event.KindOpen, secret) != nil; got != want {
				t.Errorf("open %d of %s reported: %t, want %t", round+1, secret, got, want)
			}
		}
	}
}

func TestExec(t *testing.T) {
	s := sharedSensor(t)
	c := learnPlain(t, s)
	program, err := filepath.EvalSymlinks("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "innocent")
	if err := os.Symlink(program, link); err != nil {
		t.Fatal(err)
	}
	c.act(t, "exec", []string{link, "a b", "", "c\nd"})
	ev := findPath(drain(t, s, c.id), event.KindExec, program)
	if ev == nil {
		t.Fatalf("exec of %s not reported", program)
	}
	if got, want := string(ev.Args), link+"\x00a b\x00\x00c\nd\x00"; got != want {
		t.Errorf("args = %q, want %q", got, want)
	}
	if ev.Ino != inode(t, program) {
		t.Errorf("inode = %d, want that of %s", ev.Ino, program)
	}
}

// A credential never leaves the decoder.
func TestExecWithCredentials(t *testing.T) {
	s := sharedSensor(t)
	c := learnPlain(t, s)
	c.act(t, "exec", []string{"/bin/true", "--password=hunter2", "-c", "PGPASSWORD=hunter2 psql"})
	const want = "/bin/true\x00--password=<redacted>\x00-c\x00PGPASSWORD=<redacted> psql\x00"
	reported := false
	for _, ev := range drain(t, s, c.id) {
		if strings.Contains(string(ev.Args), "hunter2") {
			t.Errorf("args = %q hold the credential", ev.Args)
		}
		reported = reported || ev.Kind == event.KindExec && string(ev.Args) == want
	}
	if !reported {
		t.Errorf("no exec with %q reported", want)
	}
}

func TestExecFromMemory(t *testing.T) {
	s := sharedSensor(t)
	c := learnPlain(t, s)
	c.act(t, "memfd", nil)
	ev := findPath(drain(t, s, c.id), event.KindExec, "memfd:payload")
	if ev == nil || !ev.Has(event.FlagMemfd) {
		t.Errorf("got %+v, want an exec of memfd:payload", ev)
	}
}

func TestLongArguments(t *testing.T) {
	s := sharedSensor(t)
	c := learnPlain(t, s)
	c.act(t, "exec", []string{"/bin/true", strings.Repeat("x", 100<<10)})
	for _, ev := range drain(t, s, c.id) {
		if ev.Kind == event.KindExec && ev.Has(event.FlagArgsTruncated) && len(ev.Args) > 8<<10 {
			return
		}
	}
	t.Error("exec with long arguments not reported as truncated")
}

// TestAllowedExecutionIsKnown marks an execution as allowed: one like it is
// known, and still sent; another argument, or another profile, is not.
func TestAllowedExecutionIsKnown(t *testing.T) {
	s := sharedSensor(t)
	c := guardPlain(t, s)
	program, err := filepath.EvalSymlinks("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) *event.Event {
		t.Helper()
		c.act(t, "exec", append([]string{program}, args...))
		ev := findPath(drain(t, s, c.id), event.KindExec, program)
		if ev == nil {
			t.Fatalf("execution of %s %q not reported", program, args)
		}
		return ev
	}
	c.act(t, "nothing", nil)
	first := run("one")
	if first.Has(event.FlagAllowed) || first.KnownKey == 0 {
		t.Fatalf("flags %b, key %d of an execution that nobody judged", first.Flags, first.KnownKey)
	}
	if err := s.MarkAllowed(c.id, first.KnownKey); err != nil {
		t.Fatal(err)
	}
	if ev := run("one"); !ev.Has(event.FlagAllowed) || ev.KnownKey != first.KnownKey {
		t.Error("the same execution is not known")
	}
	for name, args := range map[string][]string{"other": {"two"}, "shorter": {"on"}, "split": {"o", "ne"}, "long": {strings.Repeat("x", 2000)}} {
		if run(args...).Has(event.FlagAllowed) {
			t.Errorf("an execution with %s arguments is known", name)
		}
	}
	if err := s.Guard(c.id, allCalls()); err != nil {
		t.Fatal(err)
	}
	if run("one").Has(event.FlagAllowed) {
		t.Error("an execution is known that another profile allowed")
	}
}
