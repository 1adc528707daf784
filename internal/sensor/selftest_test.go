package sensor

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
)

// faults returns the names of the hooks with a fault.
func faults(hooks []Hook) []string {
	var names []string
	for _, h := range hooks {
		if h.Err != nil {
			names = append(names, h.Name)
		}
	}
	return names
}

func TestSelfTest(t *testing.T) {
	s := testSensor(t, Options{})
	hooks := s.SelfTest()
	for _, h := range hooks {
		if h.Err != nil {
			t.Errorf("%s: %v", h.Name, h.Err)
		}
	}
	if got, want := len(hooks), len(s.Hooks()); got != want {
		t.Errorf("%d hooks tested, want %d", got, want)
	}
	// A container that knows of the test but not of the secret is no answer.
	before := s.state.Counters.SelfTests
	unix.RawSyscall6(unix.SYS_GETPPID, 0, 0, 0, 0, 0, s.token^1)
	if got := s.state.Counters.SelfTests; got != before {
		t.Error("a call with a wrong token was taken for a self-test")
	}
	var found bool
	for _, ev := range drain(t, s, 0) {
		found = found || ev.Kind == event.KindSelfTest && ev.Time > 0
	}
	if !found {
		t.Error("no record came back")
	}
}

// TestDetachedHookIsNamed takes each hook away, as somebody with a debugger
// could.
func TestDetachedHookIsNamed(t *testing.T) {
	s := testSensor(t, Options{})
	for i := range s.links {
		a := &s.links[i]
		if err := a.link.Close(); err != nil {
			t.Fatal(err)
		}
		if got := faults(s.SelfTest()); !slices.Contains(got, a.hook) || len(got) != i+1 {
			t.Errorf("without %s faults are %q, want it and %d before it", a.hook, got, i)
		}
	}
	s.links = nil
}

// TestSilentHookIsNamed asks programs that do not know the question, as if
// they did not run: their links are in order.
func TestSilentHookIsNamed(t *testing.T) {
	s := testSensor(t, Options{})
	s.token ^= 1
	for _, h := range s.SelfTest() {
		asked := h.Name == bpfProgHandleSysEnter || strings.HasPrefix(h.Name, exitHook)
		if got := errors.Is(h.Err, errSilent); got != asked {
			t.Errorf("%s: %v, silent %t, want %t", h.Name, h.Err, got, asked)
		}
	}
}

func TestRemovedPinIsNamed(t *testing.T) {
	pins := filepath.Join(bpffs(t), "bobwatch")
	s := testSensor(t, Options{PinPath: pins})
	if got := faults(s.SelfTest()); got != nil {
		t.Errorf("faults are %q", got)
	}
	const hook = bpfProgHandleExec
	pin := filepath.Join(pins, layout, "link_"+hook)
	if err := os.Remove(pin); err != nil {
		t.Fatal(err)
	}
	if got := faults(s.SelfTest()); !slices.Equal(got, []string{hook}) {
		t.Errorf("faults are %q, want %s", got, hook)
	}
	for _, a := range s.links {
		if strings.HasPrefix(a.hook, exitHook) {
			if err := os.Link(a.pin, pin); err == nil {
				break
			}
		}
	}
	if got := faults(s.SelfTest()); !slices.Equal(got, []string{hook}) {
		t.Errorf("with another link in its place faults are %q, want %s", got, hook)
	}
	if err := Unpin(pins); err != nil {
		t.Fatal(err)
	}
}
