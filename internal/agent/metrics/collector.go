// Package metrics holds the agent's counters, and presents them at scrape.
//
// Its invariant: a label has a closed set of values, or at most as many as there
// are accounts of workloads.
package metrics

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"bobwatch/internal/event"
	"bobwatch/internal/host"
	"bobwatch/internal/rule"
	"bobwatch/internal/rule/custom"
	"bobwatch/internal/sensor"
	"bobwatch/internal/workload"
)

// NewRegistry returns a registry with the metrics of Go and of the process.
func NewRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Prefix begins the names of all metrics.
const Prefix = "bobwatch_"

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(Prefix+name, help, labels, nil)
}

// Counters of the kernel programs, read at scrape.
var (
	descRecords    = desc("sensor_records_total", "Records that the kernel sent, by kind.", "kind")
	descHeld       = desc("sensor_held_total", "Records that the kernel could not send, because the ring buffer was full or the container's budget spent. The kernel sends news and deviations when the act is done again; an execution is lost.", "kind", "reason")
	descEarly      = desc("sensor_released_early_total", "Times that the ring buffer needed the room of records whose alerts were not on disk yet: the end of the agent at that moment would lose them.")
	descUntracked  = desc("sensor_cgroups_untracked_total", "Cgroups that found no room in the kernel's table and are not watched.")
	descUnmarked   = desc("sensor_processes_unmarked_total", "Processes that could not be distinguished from the container runtime's.")
	descUnreadable = desc("sensor_unreadable_total", "Paths and arguments that the kernel could not read.")
	descMalformed  = desc("sensor_malformed_records_total", "Records that could not be decoded.")
	descRingSize   = desc("sensor_ring_size_bytes", "Size of the ring buffer.")
	descPending    = desc("sensor_ring_pending_bytes", "Bytes in the ring buffer that are not read yet.")
	descMisses     = desc("program_misses_total", "Runs of a BPF program that the kernel skipped, because another ran on the same CPU.", "program")
	descRuns       = desc("program_runs_total", "Runs of a BPF program. Only while the kernel counts them (sysctl kernel.bpf_stats_enabled).", "program")
	descRunTime    = desc("program_run_seconds_total", "Time that a BPF program ran. Only while the kernel counts it (sysctl kernel.bpf_stats_enabled).", "program")
)

// Whether the agent sees anything.
var (
	descReady     = desc("ready", "1 while every hook is attached, records arrive and running containers are taken over; the same as /readyz.")
	descHook      = desc("hook_attached", "1 while a program is attached to the hook and runs, 0 when the hook is lost: the agent is blind to its acts.", "hook")
	descSelfTest  = desc("last_self_test_timestamp_seconds", "When a record of the agent's self-test last arrived.")
	descLastEvent = desc("last_event_timestamp_seconds", "When the last event of a container happened.")
	descBuild     = desc("build_info", "The agent's version, and what it was built with.", "version", "goversion")
)

// Counters of the engine.
var (
	descWorkloads    = desc("workloads", "Workload containers that run, by state; replicas count once.", "state")
	descContainers   = desc("containers", "Containers that run, by their workload's state.", "state")
	descProgress     = desc("learning_progress_ratio", "Share of the learning window that has passed, of the container that is furthest behind. Only while the workload learns. The workload _other stands for all workloads without a series of their own.", "namespace", "workload")
	descDeviations   = desc("deviations_total", "Acts outside of the workload's profile, repeats included. The workload _other stands for all workloads without a series of their own.", "rule", "severity", "namespace", "workload")
	descAlerts       = desc("alerts_total", "Incidents of the workload that raised an alert. The workload _other stands for all workloads without a series of their own.", "rule", "severity", "namespace", "workload")
	descNotKept      = desc("learning_not_kept_total", "Acts that no profile holds, because memory was full or a document cannot express them.")
	descParked       = desc("parked_cgroups", "Cgroups not yet attributed to a container.")
	descParkedEvents = desc("parked_events", "Events of cgroups not yet attributed to a container.")
	descParkedLost   = desc("parked_events_lost_total", "Events of cgroups not yet attributed to a container that found no room and were lost.")
	descUnattributed = desc("unattributed_events_total", "Events of cgroups that are no workload's.")
	descLookups      = desc("cgroup_lookups_total", "New cgroups by the result of their lookup: container; unknown, no workload's; timed_out, named like a container's but without a record of a runtime; impostor, named like a container whose cgroup is another; unwaited, given up because too many lookups waited; error, a runtime did not answer.", "result")
	descReconnects   = desc("runtime_connections_total", "Connections made to a container runtime, the first included.")
	descRuntimeActs  = desc("runtime_acts_total", "Acts of container runtimes inside of containers, seen for the first time.")
	descAdoptErrors  = desc("adopt_errors_total", "Running containers that could not be taken over completely.")
	descRules        = desc("rules_custom", "Rules of rule files that are in force.")
	descRulesRefused = desc("rules_refused_total", "Changes of rule files that had no effect, because a file could not be read or a rule did not compile.")
	descRuleErrors   = desc("rules_errors_total", "Evaluations of rules of the files in force that had no answer, because they cost too much or failed.")
	descRuleDryRuns  = desc("rules_dry_run_total", "Acts that rules of the files in force would have reported, had their binding not been a dry run.")
	descLate         = desc("containers_late_total", "Containers that were watched only some time after their start, because the kernel could not report it. Their profiles are partial.")
	descProcesses    = desc("processes", "Processes whose command is remembered.")
	descEvicted      = desc("processes_evicted_total", "Processes whose command was forgotten before they ended.")
	descJournal      = desc("journal_write_failures_total", "Writes to the journal that failed and were tried again.")
	descSkipped      = desc("journal_facts_skipped_total", "Facts in the journal that a newer version wrote and this one cannot read; they stay there.")
	descStore        = desc("profile_write_failures_total", "Profiles that could not be written to the state directory.")
	descAccepted     = desc("documents_accepted_total", "Versions of documents that came into force, by trust: with a trusted signature, or unsigned.", "trust")
)

var kindNames = map[event.Kind]string{
	event.KindSyscall:       "syscall",
	event.KindExec:          "exec",
	event.KindOpen:          "open",
	event.KindCgroupCreated: "cgroup_created",
	event.KindCgroupRemoved: "cgroup_removed",
	event.KindMoved:         "moved",
	event.KindSelfTest:      "self_test",
	event.KindConnection:    "connection",
	event.KindSocket:        "socket",
	event.KindChange:        "change",
}

// Reading holds the values of the agent's metrics at one moment.
type Reading struct {
	Version         string // of the agent
	Sensor          sensor.Stats
	SensorErr       error
	Ready           bool
	Hooks           []sensor.Hook
	Counters        *Counters
	Accounts        []*Account
	Lookups         workload.Stats
	Processes       int
	Evicted         uint64
	JournalFailures uint64
	JournalSkipped  uint64
	StoreFailures   uint64
}

// Collector makes metrics of a Reading at scrape.
type Collector struct {
	Read func() *Reading
}

// Describe implements prometheus.Collector. It describes nothing: which series
// there are depends on the kernel and on the workloads.
func (c Collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c Collector) Collect(ch chan<- prometheus.Metric) {
	r := c.Read()
	out := metricWriter(ch)
	if r.SensorErr != nil {
		ch <- prometheus.NewInvalidMetric(descRecords, r.SensorErr)
	} else {
		out.sensor(&r.Sensor)
	}
	out.health(r)
	out.engine(r)
	out.workloads(r.Accounts)
}

type metricWriter chan<- prometheus.Metric

func (w metricWriter) counter(d *prometheus.Desc, value float64, labels ...string) {
	w <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, value, labels...)
}

func (w metricWriter) gauge(d *prometheus.Desc, value float64, labels ...string) {
	w <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func (w metricWriter) sensor(s *sensor.Stats) {
	for kind, name := range kindNames {
		w.counter(descRecords, float64(s.Records[kind]), name)
		w.counter(descHeld, float64(s.RingFull[kind]), name, "ring_full")
		w.counter(descHeld, float64(s.OverBudget[kind]), name, "budget")
	}
	w.counter(descUntracked, float64(s.CgroupsUntracked))
	w.counter(descUnmarked, float64(s.NativesFull))
	w.counter(descUnreadable, float64(s.Unreadable))
	w.counter(descMalformed, float64(s.Malformed))
	w.gauge(descRingSize, float64(s.RingBytes))
	w.gauge(descPending, float64(s.RingPending))
	for name, p := range s.Programs {
		w.counter(descMisses, float64(p.Misses), name)
		if p.Runs > 0 {
			w.counter(descRuns, float64(p.Runs), name)
			w.counter(descRunTime, p.RunTime.Seconds(), name)
		}
	}
}

func (w metricWriter) health(r *Reading) {
	w.gauge(descReady, number(r.Ready))
	for _, h := range r.Hooks {
		w.gauge(descHook, number(h.Err == nil), h.Name)
	}
	if at := r.Counters.SelfTest.Load(); at > 0 {
		w.gauge(descSelfTest, wallClock(at))
	}
	if at := r.Counters.LastEvent.Load(); at > 0 {
		w.gauge(descLastEvent, wallClock(at))
	}
	w.gauge(descBuild, 1, r.Version, runtime.Version())
}

func (w metricWriter) engine(r *Reading) {
	c := r.Counters
	w.counter(descEarly, float64(c.ReleasedEarly.Load()))
	for i, state := range States {
		w.gauge(descWorkloads, float64(c.Workloads[i].Load()), string(state))
		w.gauge(descContainers, float64(c.Containers[i].Load()), string(state))
	}
	w.counter(descNotKept, float64(c.NotKept.Load()))
	w.gauge(descParked, float64(c.Parked.Load()))
	w.gauge(descParkedEvents, float64(c.ParkedEvents.Load()))
	w.counter(descParkedLost, float64(c.ParkedLost.Load()))
	w.counter(descUnattributed, float64(c.Unattributed.Load()))
	w.counter(descRuntimeActs, float64(c.RuntimeActs.Load()))
	w.lookups(&r.Lookups)
	w.counter(descAdoptErrors, float64(c.AdoptErrors.Load()))
	w.counter(descLate, float64(c.Late.Load()))
	rules := c.Rules.Load()
	if rules == nil {
		rules = &custom.Set{}
	}
	w.gauge(descRules, float64(len(rules.Rules)))
	w.counter(descRulesRefused, float64(c.RulesRefused.Load()))
	w.counter(descRuleErrors, float64(rules.Errors.Load()))
	w.counter(descRuleDryRuns, float64(rules.DryRuns.Load()))
	w.gauge(descProcesses, float64(r.Processes))
	w.counter(descEvicted, float64(r.Evicted))
	w.counter(descJournal, float64(r.JournalFailures))
	w.counter(descSkipped, float64(r.JournalSkipped))
	w.counter(descStore, float64(r.StoreFailures))
	w.counter(descAccepted, float64(c.AcceptedSigned.Load()), "signed")
	w.counter(descAccepted, float64(c.AcceptedUnsigned.Load()), "unsigned")
}

func (w metricWriter) lookups(s *workload.Stats) {
	for result, n := range map[string]uint64{
		"container": s.Resolved,
		"unknown":   s.Unknown - min(s.Unknown, s.TimedOut),
		"timed_out": s.TimedOut,
		"impostor":  s.Impostors,
		"unwaited":  s.Unwaited,
		"error":     s.Errors,
	} {
		w.counter(descLookups, float64(n), result)
	}
	w.counter(descReconnects, float64(s.Reconnects))
}

func (w metricWriter) workloads(list []*Account) {
	for _, a := range list {
		if share, learning := a.learned(); learning {
			w.gauge(descProgress, share, a.namespace, a.workload)
		}
		w.tally(descDeviations, &a.deviations, a)
		w.tally(descAlerts, &a.alerts, a)
	}
}

// tally writes the counts that are not 0: most workloads never deviate.
func (w metricWriter) tally(d *prometheus.Desc, t *rule.Tally, a *Account) {
	for grade, n := range t.Counts() {
		w.counter(d, float64(n), grade.Rule.String(), grade.Severity.String(), a.namespace, a.workload)
	}
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// wallClock turns nanoseconds since boot into seconds since 1970. The clock
// may have been set since boot, so it reckons from now.
func wallClock(at int64) float64 {
	age := host.SinceBoot() - time.Duration(at)
	return float64(time.Now().Add(-age).UnixMilli()) / 1000
}
