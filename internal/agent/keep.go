package agent

import (
	"time"

	"bobwatch/internal/alert/delivery"
	"bobwatch/internal/sensor"
)

const (
	// markInterval is how often the agent remembers a position in the ring buffer,
	// with the alerts that the records before it led to.
	markInterval = 20 * time.Millisecond
	// keepPatience bounds how long records stay in the ring buffer for a sink that
	// does not take alerts and has no queue on disk, or for a runtime that does
	// not say whose a cgroup is.
	keepPatience = 5 * time.Second
	// maxMarks bounds the marks that wait.
	maxMarks = 512
)

// keep holds back records in the ring buffer until the alerts that they led to
// outlive the agent, so that the next agent reads them again if this one is
// killed. It belongs to the engine's goroutine.
type keep struct {
	marks  []mark // the oldest first
	marked sensor.Position
	last   time.Time
}

// mark is a position with the alerts that lie before it.
type mark struct {
	position sensor.Position
	alerts   delivery.Mark
	at       time.Time
}

// keepOrRelease releases records that the next agent need not read again.
func (e *engine) keepOrRelease(now time.Time) {
	k := &e.keep
	if now.Sub(k.last) < markInterval {
		return
	}
	k.last = now
	for len(k.marks) > 0 {
		m := &k.marks[0]
		if !e.alerts.Kept(&m.alerts) && now.Sub(m.at) < keepPatience {
			break
		}
		e.watcher.Release(m.position)
		k.marks = k.marks[1:]
	}
	if unreleased, size := e.watcher.Unreleased(); unreleased > size/4 {
		// The kernel needs the room for new records.
		e.metrics.ReleasedEarly.Add(1)
		e.watcher.Release(e.watcher.Position())
		k.marks, k.marked = nil, e.watcher.Position()
		return
	}
	position := e.settled(now.Add(-keepPatience), e.watcher.Position())
	if position > k.marked && len(k.marks) < maxMarks {
		k.marks = append(k.marks, mark{position, e.alerts.Mark(), now})
		k.marked = position
	}
	e.keeps.Store(len(k.marks) > 0 || position != e.watcher.Position())
}

// settled returns the position before which no event is parked, other than of
// cgroups that have been for long.
func (e *engine) settled(long time.Time, position sensor.Position) sensor.Position {
	if oldest, ok := e.containers.parked.Oldest(long); ok {
		return min(position, sensor.Position(oldest))
	}
	return position
}

// releaseAll is called when every sink has ended.
func (e *engine) releaseAll() {
	e.watcher.Release(e.settled(time.Now().Add(-keepPatience), e.watcher.Position()))
}
