// Package parking keeps the news of cgroups that are not yet attributed to a
// container.
//
// Its invariant: memory is bounded, no matter what the cgroups do, and each event that
// found no room is counted for its cgroup.
package parking

import (
	"time"

	"bobwatch/internal/event"
)

// The bounds of a Lot.
const (
	maxEventsEach = 2048 // of one cgroup
	maxEvents     = 16384
	maxBytes      = 8 << 20 // paths and arguments of all events
	maxAsked      = 128     // cgroups that are asked about at a time
	maxStay       = time.Minute
)

// Lot keeps events by cgroup. It belongs to one goroutine.
type Lot struct {
	cgroups map[uint64]*Cgroup
	queue   []uint64 // to be asked about, oldest first
	asked   int
	events  int
	bytes   int
}

// Cgroup holds the events of one cgroup in a Lot.
type Cgroup struct {
	Path    string         // below the hierarchy's root; empty if an earlier agent watched the cgroup
	Events  []*event.Event // oldest first
	Lost    uint64         // events that found no room
	Execs   uint64         // executions and moves among them, which are not sent again
	Removed bool           // the cgroup is gone; its container may still be known

	since    time.Time
	position uint64
	bytes    int
	answered bool // nobody is asked about it at the moment
}

// Outcome says where Keep left an event.
type Outcome uint8

// The outcomes.
const (
	Unknown Outcome = iota // the cgroup has no place
	Kept
	Full
)

// New returns an empty Lot.
func New() *Lot { return &Lot{cgroups: map[uint64]*Cgroup{}} }

// Open gives a new cgroup a place. Next returns it when it is its turn. The
// position is that of the record that announced it.
func (l *Lot) Open(id uint64, path string, position uint64) {
	if l.cgroups[id] == nil {
		l.cgroups[id] = &Cgroup{Path: path, since: time.Now(), position: position}
		l.queue = append(l.queue, id)
	}
}

// Hold gives a cgroup a place without asking the runtimes: one that an earlier agent
// watched. The position is that of its first event.
func (l *Lot) Hold(id, position uint64) {
	if l.cgroups[id] == nil {
		l.cgroups[id] = &Cgroup{since: time.Now(), answered: true, position: position}
	}
}

// Next returns a cgroup to ask about, and false while there is none or as many
// are asked about as may be. The caller calls Answered when it has the answer.
func (l *Lot) Next() (id uint64, path string, ok bool) {
	for len(l.queue) > 0 && l.asked < maxAsked {
		id, l.queue = l.queue[0], l.queue[1:]
		if c := l.cgroups[id]; c != nil {
			l.asked++
			return id, c.Path, true
		}
	}
	return 0, "", false
}

// Answered ends a question that Next began. Without an answer the cgroup keeps
// its place for a while: a runtime may report the container later.
func (l *Lot) Answered(id uint64) {
	l.asked--
	if c := l.cgroups[id]; c != nil {
		c.answered = true
	}
}

// Keep copies an event. No cgroup holds more than remains free, so that however
// many flood the lot, there is room for all others.
func (l *Lot) Keep(ev *event.Event) Outcome {
	c := l.cgroups[ev.Cgroup]
	if c == nil {
		return Unknown
	}
	bytes := len(ev.Path) + len(ev.Args)
	if len(c.Events) >= maxEventsEach || l.events+len(c.Events) >= maxEvents || l.bytes+c.bytes+2*bytes > maxBytes {
		c.Lost++
		if ev.Kind == event.KindExec || ev.Kind == event.KindMoved {
			c.Execs++
		}
		return Full
	}
	c.Events = append(c.Events, ev.Clone())
	c.bytes += bytes
	l.events++
	l.bytes += bytes
	return Kept
}

// Get returns a cgroup that stays; nil if it has no place.
func (l *Lot) Get(id uint64) *Cgroup { return l.cgroups[id] }

// Take removes a cgroup and returns it; nil if it had no place.
func (l *Lot) Take(id uint64) *Cgroup {
	c := l.cgroups[id]
	if c != nil {
		delete(l.cgroups, id)
		l.events -= len(c.Events)
		l.bytes -= c.bytes
	}
	return c
}

// Expired returns the cgroups that waited for long enough after nobody knew
// them.
func (l *Lot) Expired() []uint64 {
	return l.find(func(c *Cgroup) bool { return c.answered && time.Since(c.since) > maxStay })
}

// Oldest returns the lowest position of the cgroups that came after since, and
// false if there is none.
func (l *Lot) Oldest(since time.Time) (position uint64, ok bool) {
	for _, c := range l.cgroups {
		if c.since.After(since) && (!ok || c.position < position) {
			position, ok = c.position, true
		}
	}
	return position, ok
}

// Inherited returns the cgroups that Hold gave a place.
func (l *Lot) Inherited() []uint64 {
	return l.find(func(c *Cgroup) bool { return c.Path == "" })
}

func (l *Lot) find(is func(*Cgroup) bool) []uint64 {
	var ids []uint64
	for id, c := range l.cgroups {
		if is(c) {
			ids = append(ids, id)
		}
	}
	return ids
}

// Len returns how many cgroups and how many of their events are kept.
func (l *Lot) Len() (cgroups, events int) { return len(l.cgroups), l.events }
