package parking

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"bobwatch/internal/event"
)

func opened(cgroup uint64, path string) *event.Event {
	return &event.Event{Kind: event.KindOpen, Cgroup: cgroup, Path: []byte(path)}
}

func TestKeepsEventsInOrder(t *testing.T) {
	l := New()
	l.Open(1, "/a", 0)
	l.Open(2, "/b", 0)
	reused := opened(1, "/etc/0")
	for i := range 3 {
		reused.Path = append(reused.Path[:0], fmt.Sprint("/etc/", i)...) // as the reader does
		if got := l.Keep(reused); got != Kept {
			t.Fatalf("Keep = %d, want Kept", got)
		}
	}
	l.Keep(opened(2, "/b"))
	if got := l.Keep(opened(3, "/c")); got != Unknown {
		t.Errorf("Keep of a cgroup without a place = %d, want Unknown", got)
	}
	c := l.Take(1)
	var got []string
	for _, ev := range c.Events {
		got = append(got, string(ev.Path))
	}
	if want := []string{"/etc/0", "/etc/1", "/etc/2"}; !slices.Equal(got, want) || c.Path != "/a" {
		t.Errorf("events %q of %s, want %q of /a", got, c.Path, want)
	}
	if cgroups, events := l.Len(); cgroups != 1 || events != 1 {
		t.Errorf("%d cgroups and %d events are left, want 1 and 1", cgroups, events)
	}
	if l.Take(1) != nil {
		t.Error("a cgroup was taken twice")
	}
}

func TestIsBounded(t *testing.T) {
	tests := map[string]struct {
		cgroups, each int
		bytes         int
		want          int // kept at least: what floods leave half of what remains to others
	}{
		"one cgroup":   {cgroups: 1, each: 2 * maxEventsEach, want: maxEventsEach},
		"many cgroups": {cgroups: 20, each: maxEventsEach, want: maxEvents * 9 / 10},
		"long paths":   {cgroups: 4, each: maxEventsEach, bytes: 4096, want: maxBytes / 4096 * 9 / 10},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			l := New()
			path := bytes.Repeat([]byte{'x'}, tt.bytes)
			for id := range uint64(tt.cgroups) {
				l.Open(id, "/", 0)
				for range tt.each {
					l.Keep(&event.Event{Cgroup: id, Path: path})
				}
			}
			kept, lost := 0, uint64(0)
			for id := range uint64(tt.cgroups) {
				c := l.Take(id)
				kept += len(c.Events)
				lost += c.Lost
			}
			if kept < tt.want || kept > maxEvents || kept*tt.bytes > maxBytes || kept+int(lost) != tt.cgroups*tt.each {
				t.Errorf("kept %d and lost %d of %d, want %d kept or more, within the bounds, and the rest counted", kept, lost, tt.cgroups*tt.each, tt.want)
			}
			if _, events := l.Len(); events != 0 || l.bytes != 0 {
				t.Errorf("%d events and %d bytes are left, want none", events, l.bytes)
			}
		})
	}
}

func TestAsksForFewAtATime(t *testing.T) {
	l := New()
	for id := range uint64(2 * maxAsked) {
		l.Open(id, "/", 0)
		l.Open(id, "/again", 0) // is the same cgroup
	}
	l.Take(0) // was attributed before its turn
	var asked []uint64
	for id, _, ok := l.Next(); ok; id, _, ok = l.Next() {
		asked = append(asked, id)
	}
	if len(asked) != maxAsked || asked[0] != 1 {
		t.Fatalf("asked about %d from %d on, want %d from 1 on", len(asked), asked[0], maxAsked)
	}
	l.Answered(asked[0])
	if id, _, ok := l.Next(); !ok || id != maxAsked+1 {
		t.Errorf("Next = %d, %t after an answer, want %d", id, ok, maxAsked+1)
	}
}

func TestGivesUpAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New()
		l.Open(1, "/asked", 0)
		l.Open(2, "/answered", 0)
		l.Hold(3, 0)
		l.Next()
		l.Next()
		l.Answered(2)
		if got := l.Inherited(); !slices.Equal(got, []uint64{3}) {
			t.Errorf("Inherited = %d, want 3", got)
		}
		time.Sleep(maxStay)
		if got := l.Expired(); len(got) > 0 {
			t.Errorf("Expired = %d after %s, want none", got, maxStay)
		}
		time.Sleep(time.Nanosecond)
		got := l.Expired()
		slices.Sort(got)
		if want := []uint64{2, 3}; !slices.Equal(got, want) {
			t.Errorf("Expired = %d, want %d: the first is still asked about", got, want)
		}
	})
}

func TestOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New()
		if _, ok := l.Oldest(time.Now()); ok {
			t.Error("an empty lot has an oldest event")
		}
		l.Hold(1, 10)
		time.Sleep(time.Second)
		began := time.Now()
		time.Sleep(time.Second)
		l.Open(2, "/b", 30)
		l.Open(3, "/c", 20)
		if got, ok := l.Oldest(began); !ok || got != 20 {
			t.Errorf("oldest = %d %t, want 20", got, ok)
		}
		l.Take(3)
		if got, ok := l.Oldest(began); !ok || got != 30 {
			t.Errorf("oldest = %d %t, want 30", got, ok)
		}
	})
}

// A cgroup that does as much as it can leaves room for those that do little.
func TestFloodLeavesRoom(t *testing.T) {
	l := New()
	long := bytes.Repeat([]byte{'x'}, 4096)
	for id := range uint64(5) {
		l.Open(id, "/", 0)
		for range 2 * maxEventsEach {
			l.Keep(&event.Event{Cgroup: id, Path: long})
		}
	}
	for id := uint64(100); id < 110; id++ {
		l.Open(id, "/", 0)
		if got := l.Keep(&event.Event{Cgroup: id, Path: []byte("/etc/passwd")}); got != Kept {
			t.Fatalf("an event of cgroup %d finds no room", id)
		}
	}
}
