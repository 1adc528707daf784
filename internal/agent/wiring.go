package agent

import (
	"fmt"
	"runtime"
	"time"

	"go.uber.org/zap"

	"bobwatch/internal/agent/apiserver"
	"bobwatch/internal/agent/metrics"
	"bobwatch/internal/agent/store"
	"bobwatch/internal/alert"
	"bobwatch/internal/behaviour"
	"bobwatch/internal/catalog"
	"bobwatch/internal/host"
	"bobwatch/internal/judge"
	"bobwatch/internal/learner"
	"bobwatch/internal/parking"
	"bobwatch/internal/process"
	"bobwatch/internal/profile"
	"bobwatch/internal/redact"
	"bobwatch/internal/sensor"
	"bobwatch/internal/workload"
)

// parts are the components of an engine, except the sensor.
type parts struct {
	resolver *workload.Resolver
	catalog  *catalog.Catalog
	cluster  *apiserver.Server
	journal  *learner.Journal
	store    *store.Store
	judge    *judge.Judge
	redactor *redact.Redactor
}

func (a *agent) newEngine(s *sensor.Sensor, p parts) *engine {
	c := &a.config
	log := a.log.Named("engine")
	counters := &metrics.Counters{}
	remembered := process.DefaultOptions()
	remembered.Redact = p.redactor
	processes := process.New(remembered)
	w := &watcher{Sensor: s, resolver: p.resolver, processes: processes, judge: p.judge, metrics: counters, log: log}
	e := &engine{
		log:      log,
		watcher:  w,
		alerts:   a.dispatcher,
		builder:  alert.Builder{Node: c.Node, Arch: runtime.GOARCH, Processes: processes},
		judge:    p.judge,
		health:   &health{metrics: counters, resolver: p.resolver, cluster: c.Kubernetes.Enabled},
		metrics:  counters,
		commands: make(chan func(), 256),
	}
	e.workloads = &workloads{
		options: a.behaviourOptions(p, log),
		node:    c.Node, log: log, cluster: p.cluster, journal: p.journal, store: p.store,
		alerts: a.dispatcher, accounts: metrics.NewAccounts(), metrics: counters,
		apply: func(b *entry) { e.containers.apply(b) },
		byKey: map[workload.Key]*entry{}, changed: map[*entry]struct{}{},
	}
	e.containers = &containers{
		post: e.post, act: e.act, sandboxes: c.Learning.Sandboxes,
		log: log, resolver: p.resolver, cluster: p.cluster, watcher: w, workloads: e.workloads, metrics: counters,
		byCgroup: map[uint64]*instance{}, parked: parking.New(), apiServers: apiServers(),
	}
	return e
}

func (a *agent) behaviourOptions(p parts, log *zap.Logger) behaviour.Options {
	return behaviour.Options{
		Arch:           runtime.GOARCH,
		Window:         time.Duration(a.config.Learning.Window),
		StrictSyscalls: a.config.Detection.StrictSyscalls,
		Boot:           host.BootTime(),
		SinceBoot:      func() int64 { return host.SinceBoot().Nanoseconds() },
		Catalog:        p.catalog,
		JoinLearned:    a.config.Profiles.JoinLearned,
		Shares:         p.cluster.Shares,
		Provenance: profile.Provenance{
			Kernels: []string{host.KernelRelease()},
			Agents:  []string{fmt.Sprintf("bobwatch %s (%s/%s)", Version, runtime.GOOS, runtime.GOARCH)},
		},
		Log: log,
	}
}
