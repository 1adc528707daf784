package sensor

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
)

// flood opens names names of one file, each a new one.
func flood(dir string, names int) int {
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		return 1
	}
	name := filepath.Join(dir, "name")
	for i := range names {
		to := name + strconv.Itoa(i)
		if os.Link(file, to) != nil {
			return 1
		}
		fd, err := unix.Open(to, unix.O_RDONLY, 0)
		if err != nil || os.Remove(to) != nil {
			return 1
		}
		unix.Close(fd)
	}
	return 0
}

// execMany executes /bin/true many times, each with an argument of size bytes.
func execMany(times, size int) int {
	argument := strings.Repeat("x", size)
	for range times {
		attr := &os.ProcAttr{Files: []*os.File{nil, nil, nil}}
		process, err := os.StartProcess("/bin/true", []string{"true", argument}, attr)
		if err != nil {
			return 1
		}
		if _, err := process.Wait(); err != nil {
			return 1
		}
	}
	return 0
}

// floods are acts that fill the ring buffer, and how to count them in events.
var floods = map[string]struct {
	act      string
	args     func(dir string) []string
	performs uint64
	counts   func(ev *event.Event, dir string) bool
	held     func(Held) uint64 // of the flood
}{
	"links, opens and removals of new names": {
		act:      "flood",
		args:     func(dir string) []string { return []string{dir, "4000"} },
		performs: 12_000,
		counts: func(ev *event.Event, dir string) bool {
			return (ev.Kind == event.KindOpen || ev.Kind == event.KindChange) && strings.HasPrefix(string(ev.Path), dir+"/name")
		},
		held: func(h Held) uint64 { return h.News },
	},
	"executions with long arguments": {
		act:      "execute",
		args:     func(string) []string { return []string{"200", "15000"} },
		performs: 200,
		counts: func(ev *event.Event, _ string) bool {
			return ev.Kind == event.KindExec && len(ev.Args) > 10_000
		},
		held: func(h Held) uint64 { return h.Execs },
	},
}

// TestFloodLosesNothingOfOthers has one container fill the ring buffer while
// nobody reads. What others execute and which cgroups appear meanwhile is
// reported to the last one, and what the flood performed is what was reported of
// it and what was held back.
func TestFloodLosesNothingOfOthers(t *testing.T) {
	const execs = 60
	for name, tt := range floods {
		t.Run(name, func(t *testing.T) {
			s := testSensor(t, Options{RingBytes: 512 << 10})
			noisy, quiet := learnPlain(t, s), learnPlain(t, s)
			for _, c := range []cgroup{noisy, quiet} {
				c.act(t, "execute", []string{"1", "1"}) // its system calls are known from here on
				if err := s.Guard(c.id, allCalls()); err != nil {
					t.Fatal(err)
				}
			}
			drain(t, s, 0)
			for _, c := range []cgroup{noisy, quiet} {
				s.TakeHeld(c.id)
			}
			dir, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			noisy.act(t, tt.act, tt.args(dir))
			quiet.act(t, "execute", []string{strconv.Itoa(execs), "1"})
			late := newCgroup(t)

			var executed, flooded uint64
			var created bool
			for _, ev := range drainAll(t, s) {
				switch {
				case ev.Cgroup == quiet.id && ev.Kind == event.KindExec && strings.HasPrefix(string(ev.Args), "true"):
					executed++
				case ev.Cgroup == late.id && ev.Kind == event.KindCgroupCreated:
					created = true
				case ev.Cgroup == noisy.id && tt.counts(ev, dir):
					flooded++
				}
			}
			if executed != execs || !created {
				t.Errorf("%d of %d executions of another container reported, a new cgroup: %t", executed, execs, created)
			}
			held := s.TakeHeld(noisy.id)
			if flooded == 0 || held.Total() == 0 {
				t.Errorf("reported %d, held %+v: the flood is to fill its share", flooded, held)
			}
			// The few other acts of the noisy container are in one sum or the other too.
			if got := flooded + tt.held(held); got < tt.performs || got > tt.performs+slack {
				t.Errorf("reported %d and held %+v, performed %d", flooded, held, tt.performs)
			}
			if held := s.TakeHeld(quiet.id); held.Execs != 0 {
				t.Errorf("held back of the quiet container: %+v", held)
			}
		})
	}
}

// slack is how many acts besides the flood's a flooding process may perform.
const slack = 40

// allCalls allows every system call.
func allCalls() Known {
	var known Known
	for nr := range uint32(len(known.Native) * 64) {
		known.Native.Add(nr)
	}
	return known
}

// TestManyCgroupsAtOnce makes cgroups faster than anybody reads, while a
// container floods the ring buffer: each is reported.
func TestManyCgroupsAtOnce(t *testing.T) {
	s := testSensor(t, Options{RingBytes: 1 << 20})
	noisy := learnPlain(t, s)
	if err := s.Guard(noisy.id, allCalls()); err != nil {
		t.Fatal(err)
	}
	drain(t, s, 0)
	noisy.act(t, "flood", []string{t.TempDir(), "4000"})
	lost := s.LostCgroups()
	made := map[uint64]bool{}
	parent := newCgroup(t)
	for i := range 500 {
		dir := filepath.Join(parent.dir, fmt.Sprint(i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		made[inode(t, dir)] = true
		t.Cleanup(func() { os.Remove(dir) })
	}
	for _, ev := range drainAll(t, s) {
		if ev.Kind == event.KindCgroupCreated {
			delete(made, ev.Cgroup)
		}
	}
	if len(made) > 0 {
		t.Errorf("%d of 500 cgroups were not reported", len(made))
	}
	if got := s.LostCgroups(); got != lost {
		t.Errorf("%d cgroups are counted as lost", got-lost)
	}
}
