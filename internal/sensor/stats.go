package sensor

import (
	"fmt"
	"sync/atomic"

	"bobwatch/internal/event"
)

// Stats counts what the programs sent, held back and lost since the maps were
// created.
type Stats struct {
	Records          map[event.Kind]uint64 // sent
	RingFull         map[event.Kind]uint64 // not sent: the ring buffer was full
	OverBudget       map[event.Kind]uint64 // not sent: the container's budget was spent
	CgroupsUntracked uint64                // cgroups that found no room in the table
	NativesFull      uint64                // processes that could not be marked as a workload's
	Unreadable       uint64                // paths and arguments that could not be read
	RuntimeNews      uint64                // acts of container runtimes seen for the first time
	Malformed        uint64                // records that could not be decoded
	ProgramMisses    uint64                // runs that the kernel skipped because of recursion
	RingBytes        uint64                // size of the ring buffer
	RingPending      uint64                // bytes in it that are not read yet
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
		RuntimeNews:      atomic.LoadUint64(&c.RuntimeNews),
		Malformed:        s.malformed.Load(),
		RingBytes:        uint64(s.reader.BufferSize()),
		RingPending:      uint64(s.reader.AvailableBytes()),
	}
	for name, program := range s.collection.Programs {
		info, err := program.Stats()
		if err != nil {
			return stats, fmt.Errorf("read statistics of %s: %w", name, err)
		}
		stats.ProgramMisses += info.RecursionMisses
	}
	return stats, nil
}

func byKind(counters *[8]uint64) map[event.Kind]uint64 {
	counts := make(map[event.Kind]uint64)
	for kind := event.KindSyscall; kind <= event.KindSelfTest; kind++ {
		counts[kind] = atomic.LoadUint64(&counters[kind])
	}
	return counts
}
