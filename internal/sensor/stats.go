package sensor

import (
	"fmt"
	"sync/atomic"
	"time"

	"bobwatch/internal/event"
)

// Stats counts the records that the programs sent, held back and lost since the maps
// were created.
type Stats struct {
	Records          map[event.Kind]uint64 // sent
	RingFull         map[event.Kind]uint64 // not sent: the ring buffer was full
	OverBudget       map[event.Kind]uint64 // not sent: the container's budget was spent
	CgroupsUntracked uint64                // cgroups that found no room in the table
	NativesFull      uint64                // processes that could not be marked as a workload's
	Unreadable       uint64                // paths and arguments that could not be read
	Malformed        uint64                // records that could not be decoded
	RingBytes        uint64                // size of the ring buffer
	RingPending      uint64                // bytes in it that are not read yet
	Programs         map[string]Program    // by name
}

// Program holds the kernel's statistics of a program. Runs and RunTime stay 0 unless the
// administrator switches their counting on, which costs time.
type Program struct {
	Runs    uint64
	RunTime time.Duration
	Misses  uint64 // runs skipped because of recursion
}

// Stats may be called from any goroutine.
func (s *Sensor) Stats() (Stats, error) {
	c := &s.state.Counters
	stats := Stats{
		Records:          byKind(&c.Records),
		RingFull:         byKind(&c.RingFull),
		OverBudget:       byKind(&c.OverBudget),
		CgroupsUntracked: atomic.LoadUint64(&c.CgroupsUntracked),
		NativesFull:      atomic.LoadUint64(&c.NativesFull),
		Unreadable:       atomic.LoadUint64(&c.Unreadable),
		Malformed:        s.malformed.Load(),
		RingBytes:        uint64(s.reader.BufferSize()),
		RingPending:      uint64(s.reader.AvailableBytes()),
		Programs:         make(map[string]Program, len(s.collection.Programs)),
	}
	for name, program := range s.collection.Programs {
		info, err := program.Stats()
		if err != nil {
			return stats, fmt.Errorf("read statistics of %s: %w", name, err)
		}
		stats.Programs[name] = Program{Runs: info.RunCount, RunTime: info.Runtime, Misses: info.RecursionMisses}
	}
	return stats, nil
}

func byKind(counters *[event.Kinds]uint64) map[event.Kind]uint64 {
	counts := make(map[event.Kind]uint64)
	for kind := event.KindSyscall; kind < event.KindEnd; kind++ {
		counts[kind] = atomic.LoadUint64(&counters[kind])
	}
	return counts
}
