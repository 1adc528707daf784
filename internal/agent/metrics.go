package agent

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"bobwatch/internal/event"
)

func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// The metrics of the sensor and the engine. They are read at scrape.
var (
	descRecords = prometheus.NewDesc("bob_sensor_records_total",
		"Records that the kernel sent, by kind.", []string{"kind"}, nil)
	descHeld = prometheus.NewDesc("bob_sensor_held_total",
		"Records that the kernel could not send: delayed for what is done again, lost for the rest.",
		[]string{"kind", "reason"}, nil)
	descUntracked = prometheus.NewDesc("bob_sensor_cgroups_untracked_total",
		"Cgroups that found no room in the kernel's table and are not watched.", nil, nil)
	descUnmarked = prometheus.NewDesc("bob_sensor_processes_unmarked_total",
		"Processes that could not be told apart from the container runtime's.", nil, nil)
	descUnreadable = prometheus.NewDesc("bob_sensor_unreadable_total",
		"Paths and arguments that the kernel could not read.", nil, nil)
	descMalformed = prometheus.NewDesc("bob_sensor_malformed_records_total",
		"Records that could not be decoded.", nil, nil)
	descMisses = prometheus.NewDesc("bob_sensor_program_misses_total",
		"Program runs that the kernel skipped because of recursion.", nil, nil)
	descRingSize = prometheus.NewDesc("bob_sensor_ring_size_bytes",
		"Size of the ring buffer.", nil, nil)
	descRingPending = prometheus.NewDesc("bob_sensor_ring_pending_bytes",
		"Bytes in the ring buffer that are not read yet.", nil, nil)
	descWorkloads = prometheus.NewDesc("bob_workloads",
		"Workload containers that run, by state.", []string{"state"}, nil)
	descParked = prometheus.NewDesc("bob_parked_cgroups",
		"New cgroups of which it is not known yet whose they are.", nil, nil)
	descParkedLost = prometheus.NewDesc("bob_parked_events_lost_total",
		"Events of new cgroups that were lost for want of room.", nil, nil)
	descUnattributed = prometheus.NewDesc("bob_unattributed_events_total",
		"Events of cgroups that are no workload's.", nil, nil)
	descRuntimeActs = prometheus.NewDesc("bob_runtime_acts_total",
		"Acts of container runtimes inside of containers, seen for the first time.", nil, nil)
	descAdoptErrors = prometheus.NewDesc("bob_adopt_errors_total",
		"Running containers that could not be taken over completely.", nil, nil)
	descLastEvent = prometheus.NewDesc("bob_last_event_timestamp_seconds",
		"When the last event happened.", nil, nil)
	descProcesses = prometheus.NewDesc("bob_processes",
		"Processes whose command is remembered.", nil, nil)
	descProcessesEvicted = prometheus.NewDesc("bob_processes_evicted_total",
		"Processes whose command was forgotten although they lived.", nil, nil)
	descJournalFailures = prometheus.NewDesc("bob_journal_write_failures_total",
		"Writes to the journal that failed and were tried again.", nil, nil)
	descStoreFailures = prometheus.NewDesc("bob_profile_write_failures_total",
		"Profiles that could not be written to the state directory.", nil, nil)
	descBuild = prometheus.NewDesc("bob_build_info",
		"The agent's version.", []string{"version"}, nil)
)

var kindNames = map[event.Kind]string{
	event.KindSyscall:       "syscall",
	event.KindExec:          "exec",
	event.KindOpen:          "open",
	event.KindCgroupCreated: "cgroup_created",
	event.KindCgroupRemoved: "cgroup_removed",
	event.KindMoved:         "moved",
}

// collector reads the kernel's and the engine's counters at scrape.
type collector struct {
	engine *engine
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	prometheus.DescribeByCollect(c, ch)
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	e := c.engine
	counter := func(desc *prometheus.Desc, value uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value), labels...)
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	stats, err := e.sensor.Stats()
	if err != nil {
		ch <- prometheus.NewInvalidMetric(descRecords, err)
	}
	for kind, name := range kindNames {
		counter(descRecords, stats.Records[kind], name)
		counter(descHeld, stats.RingFull[kind], name, "ring_full")
		counter(descHeld, stats.OverBudget[kind], name, "budget")
	}
	counter(descUntracked, stats.CgroupsUntracked)
	counter(descUnmarked, stats.NativesFull)
	counter(descUnreadable, stats.Unreadable)
	counter(descMalformed, stats.Malformed)
	counter(descMisses, stats.ProgramMisses)
	gauge(descRingSize, float64(stats.RingBytes))
	gauge(descRingPending, float64(stats.RingPending))

	m := &e.metrics
	gauge(descWorkloads, float64(m.learning.Load()), "learning")
	gauge(descWorkloads, float64(m.guarded.Load()), "guarded")
	gauge(descParked, float64(m.parked.Load()))
	counter(descParkedLost, m.parkedLost.Load())
	counter(descUnattributed, m.unattributed.Load())
	counter(descRuntimeActs, m.runtimeActs.Load())
	counter(descAdoptErrors, m.adoptErrors.Load())
	gauge(descLastEvent, float64(m.lastEvent.Load())/float64(time.Second))
	gauge(descProcesses, float64(e.processes.Len()))
	counter(descProcessesEvicted, e.processes.Evicted())
	failures, _ := e.journal.Failures()
	counter(descJournalFailures, failures)
	counter(descStoreFailures, e.store.failures.Load())
	gauge(descBuild, 1, Version)
}
