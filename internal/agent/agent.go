// Package agent puts the parts together: it reads events from the sensor, finds
// the container of each, learns or judges the act, and sends alerts.
//
// Its invariant: one goroutine, the engine's, decides. It takes no lock and
// waits only for the kernel; slow work runs elsewhere and hands it results.
package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"bobwatch/internal/agent/metrics"
	"bobwatch/internal/agent/notice"
	"bobwatch/internal/agent/port"
	"bobwatch/internal/agent/route"
	"bobwatch/internal/agent/store"
	"bobwatch/internal/alert/delivery"
	"bobwatch/internal/catalog"
	"bobwatch/internal/config"
	"bobwatch/internal/incident"
	"bobwatch/internal/judge"
	"bobwatch/internal/learner"
	"bobwatch/internal/redact"
	"bobwatch/internal/sensor"
	"bobwatch/internal/signature"
	"bobwatch/internal/workload"
)

//go:generate go run ./metricsdoc ../../docs/metrics.md

// Version is the version of the binary, for provenance and metrics. The
// command sets it before Run.
var Version = "unknown"

// Agent is what Run runs.
type agent struct {
	config     config.Config
	log        *zap.Logger
	registry   *prometheus.Registry
	engine     *engine
	dispatcher *delivery.Dispatcher
	history    *incident.History
	incidents  *incident.Tracker
	directory  *catalog.Directory
	kept       *catalog.Cache // of the cluster's documents; nil outside of one
	server     *port.Server
}

// Run watches until ctx ends. Alerts go to stdout, and are text if terminal is
// set and the configuration does not say otherwise.
func Run(ctx context.Context, c config.Config, log *zap.Logger, stdout io.Writer, terminal bool) error {
	a := &agent{config: c, log: log, registry: metrics.NewRegistry()}
	closers, err := a.open(stdout, terminal)
	defer func() {
		for _, closer := range slices.Backward(closers) {
			if err := closer.Close(); err != nil {
				log.Error("close", zap.Error(err))
			}
		}
	}()
	if err != nil {
		return err
	}
	return a.run(ctx)
}

// open makes the parts, in the order in which they need one another. The
// sensor comes last, so that nothing is read before there is a place for it.
func (a *agent) open(stdout io.Writer, terminal bool) (closers []io.Closer, err error) {
	c := &a.config
	if err := os.MkdirAll(c.StateDir, 0o700); err != nil {
		return nil, fmt.Errorf("make state directory: %w", err)
	}
	journal, err := learner.OpenJournal(filepath.Join(c.StateDir, "journal.db"))
	if err != nil {
		return nil, err
	}
	closers = append(closers, journal)
	if aside := journal.Aside(); aside != "" {
		a.log.Error("the journal was unreadable; what it held is learned anew", zap.String("movedTo", aside))
	}
	store, err := store.New(filepath.Join(c.StateDir, "profiles"), a.log.Named("store"))
	if err != nil {
		return closers, err
	}
	client, err := a.connect()
	if err != nil {
		return closers, err
	}
	if err := a.trackIncidents(a.log.Named("alert")); err != nil {
		return closers, err
	}
	a.dispatcher, err = route.New(c, route.Options{
		Stdout: stdout, Terminal: terminal, Client: client, Correlator: a.incidents,
		Log: a.log.Named("alert"), Registerer: a.registry,
	})
	if err != nil {
		return closers, errors.Join(err, a.incidents.Close())
	}
	closers = append(closers, a.dispatcher)
	documents, err := a.newCatalog()
	if err != nil {
		return closers, err
	}
	resolver, err := workload.New(workload.Options{
		CgroupRoot: c.Cgroups.Root,
		Sockets:    c.Containerd.Sockets,
		Patterns:   c.Cgroups.Patterns,
		Logger:     a.log.Named("workload"),
	})
	if err != nil {
		return closers, err
	}
	closers = append(closers, resolver)
	cluster := a.openCluster(client)
	if cluster != nil {
		log := a.log.Named("catalog")
		a.kept, err = catalog.NewCache(documents, filepath.Join(c.StateDir, "documents"), func(err error) {
			log.Error("documents of the cluster may not outlive the agent", zap.Error(err))
		})
		if err != nil {
			return closers, err
		}
	}
	judge, err := judge.New(runtime.GOARCH)
	if err != nil {
		return closers, err
	}
	redactor, err := redact.New(c.Redact.Patterns)
	if err != nil {
		return closers, fmt.Errorf("redact: %w", err)
	}
	s, err := sensor.Open(sensor.Options{
		Redact:    redactor,
		PinPath:   c.Sensor.PinPath,
		Cooldown:  time.Duration(c.Detection.Cooldown),
		RingBytes: c.Sensor.RingBytes,
		Keep:      true,
	})
	if err != nil {
		return closers, err
	}
	closers = append(closers, s)
	a.engine = a.newEngine(s, parts{resolver, documents, cluster, journal, store, judge, redactor})
	if err := a.registry.Register(metrics.Collector{Read: a.engine.reading}); err != nil {
		return closers, fmt.Errorf("register metrics: %w", err)
	}
	if a.server, err = port.Open(c.HTTP, handler(a.registry, a.engine, a.history), a.registry, a.log.Named("http")); err != nil {
		return closers, err
	}
	debug.FreeOSMemory() // reading the kernel's types took more than everything else will
	if err := releasePages(); err != nil {
		a.log.Debug("release pages", zap.Error(err))
	}
	a.log.Info("attached", zap.Strings("hooks", s.Hooks()))
	return closers, nil
}

// trackIncidents goes on with the incidents of the last run. The agent watches even if
// it cannot read them.
func (a *agent) trackIncidents(log *zap.Logger) error {
	options := incident.DefaultOptions()
	options.Quiet = time.Duration(a.config.Alerts.RepeatInterval)
	limits := incident.DefaultLimits()
	limits.Bytes, limits.Age = a.config.Alerts.History.Bytes, time.Duration(a.config.Alerts.History.Age)
	history, err := incident.OpenHistory(filepath.Join(a.config.StateDir, "incidents.db"), limits)
	if history == nil {
		return err
	}
	if err != nil {
		log.Error("incidents are forgotten", zap.Error(err))
	}
	a.history = history
	if a.incidents, err = incident.Resume(history, options); err != nil {
		log.Error("incidents that went on are forgotten", zap.Error(err))
	}
	if err := a.registry.Register(a.incidents); err != nil {
		return errors.Join(fmt.Errorf("register metrics: %w", err), a.incidents.Close())
	}
	return nil
}

func (a *agent) newCatalog() (*catalog.Catalog, error) {
	verifier, err := signature.NewVerifier(a.config.Profiles.Trust)
	if err != nil {
		return nil, fmt.Errorf("profiles.trust: %w", err)
	}
	log := a.log.Named("catalog")
	documents := catalog.New(catalog.Options{
		Verifier:   verifier,
		Registerer: a.registry,
		Refused: func(r catalog.Refusal) {
			log.Error("refused document", zap.String("source", r.Source), zap.String("name", r.Name),
				zap.String("reason", string(r.Reason)), zap.Bool("earlierVersionInForce", r.InForce), zap.Error(r.Err))
			a.engine.tell(notice.Refused(a.config.Node, r))
			a.engine.workloads.cluster.Refused(r)
		},
		Accepted: func(acc catalog.Acceptance) {
			level := zap.InfoLevel
			if acc.Trust.Warn {
				level = zap.WarnLevel
			}
			a.countAccepted(acc)
			log.Log(level, "document in force", zap.String("source", acc.Source), zap.String("name", acc.Name),
				zap.String("authority", acc.Trust.Authority), zap.Bool("unsigned", acc.Trust.Authority == ""))
			for _, w := range acc.Warnings {
				log.Warn("document", zap.String("name", acc.Name), zap.String("field", w.Field), zap.String("warning", w.Message))
			}
		},
	})
	if dir := a.config.Profiles.Directory; dir != "" {
		a.directory = &catalog.Directory{
			Path:    dir,
			Publish: func(docs []catalog.Document) { documents.Publish(dir, docs) },
			Failed: func(err error) {
				if !errors.Is(err, os.ErrNotExist) {
					log.Error("read profile directory", zap.Error(err))
				}
			},
		}
	}
	return documents, nil
}

// countAccepted is called once the engine exists: documents are published by
// what run starts.
func (a *agent) countAccepted(acc catalog.Acceptance) {
	if acc.Trust.Authority == "" {
		a.engine.metrics.AcceptedUnsigned.Add(1)
		return
	}
	a.engine.metrics.AcceptedSigned.Add(1)
}

// run starts everything and returns when all of it has stopped: first the sources of
// events, then the receivers.
func (a *agent) run(ctx context.Context) error {
	last, stopLast := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLast()
	var finishing errgroup.Group
	finishing.Go(func() error { return a.dispatcher.Run(last) })
	finishing.Go(func() error { return a.engine.workloads.journal.Run(last) })
	finishing.Go(func() error { a.engine.workloads.store.Run(last); return nil })

	a.publishDirectory()
	known := a.restoreDocuments()
	group, ctx := errgroup.WithContext(ctx)
	a.engine.containers.ctx = ctx
	group.Go(func() error { return a.engine.run(ctx) })
	group.Go(func() error { return a.wakeAtEnd(ctx) })
	group.Go(func() error { return a.tick(ctx) })
	group.Go(func() error { return a.server.Run(ctx) })
	group.Go(func() error { return a.tickKeep(ctx) })
	group.Go(func() error { a.testSelf(ctx); return nil })
	if a.config.Rules.Directory != "" {
		rules := a.watchRules(ctx)
		group.Go(func() error { rules.Read(); rules.Run(ctx); return nil })
	}
	if a.directory != nil {
		group.Go(func() error { a.directory.Run(ctx); return nil })
	}
	if cluster := a.engine.workloads.cluster; cluster != nil {
		group.Go(func() error { return cluster.Run(ctx, a.kept, known) })
	}
	group.Go(func() error {
		complete := a.adoptRunning(ctx)
		group.Go(func() error { a.reconcile(ctx); return nil })
		if complete {
			a.expire(ctx) // nothing of what runs is forgotten now
		}
		return nil
	})
	group.Go(func() error {
		c := a.engine.containers
		return c.resolver.Run(ctx, func(change workload.Change) { c.changes(ctx, change) })
	})
	err := group.Wait()
	stopLast()
	err = errors.Join(err, finishing.Wait())
	a.engine.workloads.store.Flush()
	a.engine.releaseAll()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// restoreDocuments puts the documents in force that an earlier agent got from the
// cluster, because the cluster may not answer now. It returns their sources.
func (a *agent) restoreDocuments() []string {
	if a.kept == nil {
		return nil
	}
	return a.kept.Restore()
}

// publishDirectory puts the documents that are there already in force before
// anything is learned or judged. The directory reports errors by itself later.
func (a *agent) publishDirectory() {
	if a.directory == nil {
		return
	}
	if found, err := catalog.ReadDirectory(a.directory.Path); err == nil {
		a.directory.Publish(found)
	}
}

// wakeAtEnd gets the engine out of a blocking read.
func (a *agent) wakeAtEnd(ctx context.Context) error {
	<-ctx.Done()
	return a.engine.watcher.Wake()
}

func (a *agent) tick(ctx context.Context) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			a.engine.post(ctx, func() { a.engine.tick(now) })
		}
	}
}

// tickKeep wakes the engine while records wait to be released.
func (a *agent) tickKeep(ctx context.Context) error {
	ticker := time.NewTicker(5 * markInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if a.engine.keeps.Load() {
				a.engine.post(ctx, func() {}) // every turn looks
			}
		}
	}
}

// adoptRunning starts to watch the containers that ran before the sensor was attached,
// and drops those that an earlier agent watched and that are gone. It reports whether
// every runtime answered.
func (a *agent) adoptRunning(ctx context.Context) (complete bool) {
	e := a.engine
	c := e.containers
	residents, err := c.resolver.Running(ctx)
	if err != nil {
		a.log.Warn("list running containers; those that cannot be listed are taken over later", zap.Error(err))
	}
	complete = err == nil
	newcomers := c.cluster.IdentifyAll(ctx, residents)
	e.post(ctx, func() {
		for i, r := range residents {
			c.adopt(newcomers[i], r)
		}
		c.adopted, c.stale = true, complete
		e.health.ready.Store(true)
	})
	return complete
}
