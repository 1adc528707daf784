package learner

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/generalise"
	"bobwatch/internal/syscalls"
)

var boot = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

func newLearner() *Learner {
	return New("default/Deployment/web/web", Options{
		Arch:       "amd64",
		Window:     time.Minute,
		Thresholds: generalise.DefaultThresholds(),
		Boot:       boot,
	})
}

func open(path string, access event.Access) *event.Event {
	return &event.Event{Kind: event.KindOpen, Path: []byte(path), Access: access}
}

// execution makes an event as the kernel does: each argument ends in a NUL.
func execution(path string, args ...string) *event.Event {
	vector := strings.Join(args, "\x00") + "\x00"
	return &event.Event{Kind: event.KindExec, Path: []byte(path), Args: []byte(vector)}
}

func call(t testing.TB, name string) *event.Event {
	t.Helper()
	nr, ok := syscalls.Number("amd64", name)
	if !ok {
		t.Fatalf("no system call %s", name)
	}
	return &event.Event{Kind: event.KindSyscall, Nr: nr}
}

func with(e *event.Event, change func(e *event.Event)) *event.Event {
	change(e)
	return e
}

func flagged(e *event.Event, f event.Flag) *event.Event {
	e.Flags |= f
	return e
}

func TestObserve(t *testing.T) {
	tests := map[string]struct {
		event  *event.Event
		want   profile.Container // but for empty Syscalls
		counts Counts
	}{
		"system call": {
			event: call(t, "openat"),
			want:  profile.Container{Syscalls: map[string][]string{"amd64": {"openat"}}, Support: []string{"descriptors/1", "kernel/1"}},
		},
		"32-bit system call": {
			event: &event.Event{Kind: event.KindSyscall, ABI: event.ABICompat, Nr: 20},
			want:  profile.Container{Syscalls: map[string][]string{"386": {"getpid"}}, Support: []string{"kernel/1"}},
		},
		"x32 system call": {
			event:  &event.Event{Kind: event.KindSyscall, ABI: event.ABIX32, Nr: 1<<30 | 39},
			counts: Counts{Foreign: 1},
		},
		"system call beyond the tables": {
			event:  &event.Event{Kind: event.KindSyscall, Nr: 5000},
			counts: Counts{Foreign: 1},
		},
		"execution": {
			event: execution("/bin/ls", "ls", "-l"),
			want:  profile.Container{Execs: []profile.Exec{{Path: "/bin/ls", Args: []string{"ls", "-l"}}}},
		},
		"execution without arguments": {
			event: &event.Event{Kind: event.KindExec, Path: []byte("/bin/ls")},
			want:  profile.Container{Execs: []profile.Exec{{Path: "/bin/ls", ArgsRequired: true}}},
		},
		"execution with an empty argument": {
			event: execution("/bin/ls", "ls", ""),
			want:  profile.Container{Execs: []profile.Exec{{Path: "/bin/ls", Args: []string{"ls", ""}}}},
		},
		"execution with its end missing": {
			event: flagged(execution("/bin/ls", "ls", "a", "b"), event.FlagArgsTruncated),
			want:  profile.Container{Execs: []profile.Exec{{Path: "/bin/ls", Args: []string{"ls", "a", "⋯⋯"}}}},
		},
		"execution of a name that reads as a wildcard": {
			event: execution("/srv/⋯", "x"),
			want:  profile.Container{Execs: []profile.Exec{{Path: "/srv/⟦e28baf⟧", Args: []string{"x"}}}},
		},
		"open for reading": {
			event: open("/etc/hosts", event.AccessRead),
			want:  profile.Container{Opens: []profile.Open{{Path: "/etc/hosts", Flags: []string{"O_RDONLY"}}}},
		},
		"open for both": {
			event: open("/srv/db", event.AccessRead|event.AccessWrite),
			want:  profile.Container{Opens: []profile.Open{{Path: "/srv/db", Flags: []string{"O_RDWR"}}}},
		},
		"refused open": {
			event: flagged(open("/root", event.AccessRead), event.FlagRefused|event.FlagCallerPath),
			want:  profile.Container{Opens: []profile.Open{{Path: "/root", Flags: []string{"O_RDONLY"}}}},
		},
		"open of a pipe": {
			event:  open("pipe:[4711]", event.AccessRead),
			counts: Counts{Nameless: 1},
		},
		"open of a file too deep": {
			event: flagged(open("truncated:/a/b", event.AccessRead), event.FlagPathTruncated),
			want:  profile.Container{Opens: []profile.Open{{Path: "truncated:/a/b", Flags: []string{"O_RDONLY"}}}},
		},
		"open of a name that reads as a wildcard": {
			event: open("/etc/*", event.AccessRead),
			want:  profile.Container{Opens: []profile.Open{{Path: "/etc/⟦2a⟧", Flags: []string{"O_RDONLY"}}}},
		},
		"open of a name that is no text": {
			event: open("/srv/www/\xff\n", event.AccessRead),
			want:  profile.Container{Opens: []profile.Open{{Path: "/srv/www/⟦ff⟧⟦0a⟧", Flags: []string{"O_RDONLY"}}}},
		},
		"open that makes a file": {
			event: flagged(open("/srv/x", event.AccessWrite), event.FlagCreated),
			want:  profile.Container{Opens: []profile.Open{{Path: "/srv/x", Flags: []string{"O_CREAT", "O_WRONLY"}}}},
		},
		"the runtime's": {
			event:  flagged(call(t, "mount"), event.FlagRuntime),
			counts: Counts{Runtime: 1},
		},
		"a probe's": {
			event: with(execution("/bin/true", "true"), func(e *event.Event) { e.Origin = event.OriginOutside }),
			want:  profile.Container{Execs: []profile.Exec{{Path: "/bin/true", Args: []string{"true"}}}},
		},
		"a person's": {
			event:  with(flagged(execution("/bin/sh", "sh"), event.FlagTTY), func(e *event.Event) { e.Origin = event.OriginOutside }),
			counts: Counts{Interactive: 1},
		},
		"an entrypoint's with a terminal": {
			event: with(flagged(execution("/bin/sh", "sh"), event.FlagTTY), func(e *event.Event) { e.Origin = event.OriginEntrypoint }),
			want:  profile.Container{Execs: []profile.Exec{{Path: "/bin/sh", Args: []string{"sh"}}}},
		},
		"a cgroup": {
			event: &event.Event{Kind: event.KindCgroupCreated, Path: []byte("/x")},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			l := newLearner()
			if tt.want.Syscalls == nil {
				tt.want.Syscalls = map[string][]string{}
			}
			learns := len(tt.want.Syscalls)+len(tt.want.Execs)+len(tt.want.Opens)+len(tt.want.Network.Egress)+len(tt.want.Network.Sockets) > 0
			if got := l.Observe(tt.event); got != learns {
				t.Errorf("Observe = %t, want %t", got, learns)
			}
			if l.Observe(tt.event) {
				t.Errorf("Observe = true for the same event again")
			}
			if diff := cmp.Diff(tt.want, l.Container()); diff != "" {
				t.Errorf("Container: -want +got\n%s", diff)
			}
			if diff := cmp.Diff(doubled(tt.counts), l.Counts()); diff != "" {
				t.Errorf("Counts: -want +got\n%s", diff)
			}
		})
	}
}

// doubled returns the counts of something that was observed twice.
func doubled(c Counts) Counts {
	return Counts{
		Runtime: 2 * c.Runtime, Interactive: 2 * c.Interactive, Foreign: 2 * c.Foreign,
		Nameless: 2 * c.Nameless, Full: 2 * c.Full, Unwritable: 2 * c.Unwritable,
	}
}

func TestRuntimeLearner(t *testing.T) {
	l := New("runtime", Options{Arch: "amd64", Thresholds: generalise.DefaultThresholds(), Runtime: true})
	if l.Observe(call(t, "read")) {
		t.Error("Observe = true for the workload's call")
	}
	if !l.Observe(flagged(call(t, "mount"), event.FlagRuntime)) {
		t.Error("Observe = false for the runtime's call")
	}
}

func TestObserveKnownDoesNotAllocate(t *testing.T) {
	l := newLearner()
	events := []*event.Event{
		call(t, "read"),
		open("/etc/hosts", event.AccessRead),
		open("/proc/1/stat", event.AccessRead),
		execution("/bin/ls", "ls", "-l"),
	}
	for _, e := range events {
		l.Observe(e)
	}
	got := testing.AllocsPerRun(100, func() {
		for _, e := range events {
			l.Observe(e)
		}
	})
	if got != 0 {
		t.Errorf("Observe allocates %v times for what is known", got)
	}
}

func TestKnown(t *testing.T) {
	l := newLearner()
	l.Observe(call(t, "read"))
	l.Observe(&event.Event{Kind: event.KindSyscall, ABI: event.ABICompat, Nr: 20})
	var want Known
	want.Syscalls.Add(0)
	want.CompatSyscalls.Add(20)
	if got := l.Known(); got != want {
		t.Errorf("Known() = %v, want %v", got, want)
	}
}

func TestRestoreGoesOnWhereItStopped(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	l := newLearner()
	l.Started(boot, true)
	l.Lose(3)
	for _, e := range append(aRun(r, 50), call(t, "read"), &event.Event{Kind: event.KindSyscall, ABI: event.ABICompat, Nr: 20}) {
		l.Observe(e)
	}
	taken, all := l.Take(boot)
	if all {
		t.Error("Take returned everything, want news")
	}
	now := boot.Add(10 * time.Second)
	for name, facts := range map[string][]Fact{"news": taken, "all": l.Facts(now)} {
		restored := newLearner()
		restored.Restore(l.State(now), facts)
		if diff := cmp.Diff(l.Container(), restored.Container()); diff != "" {
			t.Errorf("%s: Container after Restore: -want +got\n%s", name, diff)
		}
		if diff := cmp.Diff(l.State(now), restored.State(now)); diff != "" {
			t.Errorf("%s: State after Restore: -want +got\n%s", name, diff)
		}
		if restored.Known() != l.Known() {
			t.Errorf("%s: Known differs after Restore", name)
		}
	}
}

func TestTakeReturnsEverythingAfterAnOverflow(t *testing.T) {
	l := newLearner()
	for i := range maxFresh + 10 {
		l.Observe(open(fmt.Sprintf("/x%dx", i), event.AccessRead))
	}
	facts, all := l.Take(boot)
	if !all || len(facts) != maxFresh+10 {
		t.Errorf("Take returned %d facts, all %t, want %d, true", len(facts), all, maxFresh+10)
	}
	l.Observe(open("/new", event.AccessRead))
	if facts, all = l.Take(boot); all || len(facts) != 1 {
		t.Errorf("Take returned %d facts, all %t, want 1, false", len(facts), all)
	}
}

func TestFactsAreDated(t *testing.T) {
	l := newLearner()
	l.Observe(with(open("/a/b", event.AccessRead), func(e *event.Event) { e.Time, e.Repeats = 5e9, 2 }))
	at := boot.Add(5 * time.Second)
	want := []Fact{{Kind: FactOpen, Access: event.AccessRead, Path: "/a/b", Seen: Seen{First: at, Last: at, Count: 3}}}
	got, _ := l.Take(boot)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Take: -want +got\n%s", diff)
	}
}

func FuzzObserve(f *testing.F) {
	f.Add(uint8(3), uint16(0), []byte("/tmp/a\nb/\xff"), []byte("sh\x00-c\x00a\x00"))
	f.Add(uint8(2), uint16(event.FlagArgsTruncated), []byte("/bin/sh"), []byte("sh\x00-c\x00\xff"))
	f.Fuzz(func(t *testing.T, kind uint8, flags uint16, path, args []byte) {
		l := newLearner()
		e := &event.Event{Kind: event.Kind(kind % 7), Flags: event.Flag(flags), Path: path, Args: args, Access: event.Access(kind)}
		before := slices.Clone(path)
		if l.Observe(e) && l.Observe(e) {
			t.Error("Observe = true for the same event again")
		}
		facts, _ := l.Take(boot)
		restored := newLearner()
		restored.Restore(l.State(boot), facts)
		if diff := cmp.Diff(l.Container(), restored.Container()); diff != "" {
			t.Errorf("Container after Restore: -want +got\n%s", diff)
		}
		if !slices.Equal(before, path) {
			t.Error("Observe changed the event")
		}
	})
}
