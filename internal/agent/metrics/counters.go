package metrics

import (
	"sync/atomic"

	"bobwatch/internal/rule/custom"
	"bobwatch/internal/status"
)

// States are all states, in the order in which Counters has them.
var States = [...]status.State{status.Learning, status.Guarded, status.Unguarded, status.Off}

// Counters are written by the engine and read at scrape.
type Counters struct {
	Beat          atomic.Int64              // unix nanoseconds of the last turn
	LastEvent     atomic.Int64              // nanoseconds since boot
	SelfTest      atomic.Int64              // nanoseconds since boot
	Workloads     [len(States)]atomic.Int64 // workload containers that run, by state
	Containers    [len(States)]atomic.Int64
	Parked        atomic.Int64
	ParkedEvents  atomic.Int64
	NotKept       atomic.Uint64
	ParkedLost    atomic.Uint64 // events of cgroups that no container claimed in time, lost for lack of room
	Unattributed  atomic.Uint64 // events of cgroups that are no workload's
	RuntimeActs   atomic.Uint64
	AdoptErrors   atomic.Uint64
	ReleasedEarly atomic.Uint64 // times that records were not kept until their alerts were
	Late          atomic.Uint64 // containers whose start the kernel could not report
	RulesRefused  atomic.Uint64 // changes of rule files that had no effect
	Rules         atomic.Pointer[custom.Set]

	AcceptedSigned   atomic.Uint64 // documents; the catalog's goroutine counts them
	AcceptedUnsigned atomic.Uint64
}
