package delivery

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"bobwatch/internal/alert"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

// recorder is a sink that keeps what it gets. block, if set, is received from
// before every delivery; err is what deliveries return.
type recorder struct {
	name  string
	block chan struct{}
	err   error

	mu  sync.Mutex
	got []alert.Alert
}

func (r *recorder) Name() string { return "recorder" + r.name }

func (r *recorder) Send(ctx context.Context, alerts []alert.Alert) (int, error) {
	if r.block != nil {
		select {
		case <-r.block:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return 0, r.err
	}
	r.got = append(r.got, alerts...)
	return len(alerts), nil
}

// set changes what deliveries return.
func (r *recorder) set(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

// lines shows what arrived as "fingerprint xcount".
func (r *recorder) lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var lines []string
	for _, a := range r.got {
		what := a.Fingerprint
		if a.Rule == rule.Suppressed {
			what = "suppressed"
		}
		lines = append(lines, fmt.Sprintf("%s x%d", what, a.Count))
	}
	return lines
}

// raised is an alert of a workload, at the present time.
func raised(workload, fingerprint string, grade severity.Severity) alert.Alert {
	now := time.Now()
	return alert.Alert{
		Fingerprint: workload + "/" + fingerprint, Rule: rule.UnexpectedFileAccess, Severity: grade,
		Count: 1, First: now, Last: now,
		Subject: alert.Subject{Workload: alert.Workload{Namespace: "ns", Kind: "Deployment", Name: workload}},
	}
}

// start runs a dispatcher inside a synctest bubble and returns how to end it.
func start(t *testing.T, opts Options) (*Dispatcher, func()) {
	t.Helper()
	d, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return d, stop
}

func optionsFor(sinks ...alert.Sink) Options {
	opts := DefaultOptions()
	for _, sink := range sinks {
		opts.Routes = append(opts.Routes, Route{Sink: sink})
	}
	return opts
}

func wantLines(t *testing.T, r *recorder, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, r.lines()); diff != "" {
		t.Errorf("delivered alerts (-want +got):\n%s", diff)
	}
}

func TestFirstAtOnceThenFolded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &recorder{}
		d, _ := start(t, optionsFor(sink))
		d.Enqueue(raised("web", "a", severity.High))
		synctest.Wait()
		wantLines(t, sink, "web/a x1") // no time has passed

		for range 24 {
			d.Enqueue(raised("web", "a", severity.High))
		}
		time.Sleep(d.opts.RepeatInterval - checkInterval)
		synctest.Wait()
		wantLines(t, sink, "web/a x1")
		time.Sleep(2 * checkInterval)
		synctest.Wait()
		wantLines(t, sink, "web/a x1", "web/a x25")
	})
}

func TestSilentIncidentIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &recorder{}
		d, _ := start(t, optionsFor(sink))
		d.Enqueue(raised("web", "a", severity.High))
		time.Sleep(d.opts.RepeatInterval + checkInterval)
		synctest.Wait()
		if n, w := len(d.groups.byFingerprint), len(d.groups.workloads); n != 0 || w != 0 {
			t.Errorf("remembered: got %d incidents and %d workloads, want none", n, w)
		}
		d.Enqueue(raised("web", "a", severity.High))
		synctest.Wait()
		wantLines(t, sink, "web/a x1", "web/a x1")
	})
}

func TestWorseRepeatIsToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &recorder{}
		d, _ := start(t, optionsFor(sink))
		d.Enqueue(raised("web", "a", severity.Low))
		d.Enqueue(raised("web", "a", severity.Low))
		d.Enqueue(raised("web", "a", severity.Critical))
		d.Enqueue(raised("web", "a", severity.Low))
		synctest.Wait()
		wantLines(t, sink, "web/a x1", "web/a x3")
		if got := sink.got[1].Severity; got != severity.Critical {
			t.Errorf("severity: got %s, want critical", got)
		}
	})
}

func TestFloodBecomesSummary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &recorder{}
		opts := optionsFor(sink)
		opts.Burst = 3
		d, _ := start(t, opts)
		for i := range 1000 {
			d.Enqueue(raised("web", fmt.Sprint(i), severity.Low))
		}
		d.Enqueue(raised("web", "ptrace", severity.Critical))
		d.Enqueue(raised("db", "a", severity.Low))
		synctest.Wait()
		early := []string{"web/0 x1", "web/1 x1", "web/2 x1", "web/ptrace x1", "db/a x1"}
		wantLines(t, sink, early...)

		time.Sleep(opts.SummaryInterval + checkInterval)
		synctest.Wait()
		wantLines(t, sink, append(early, "suppressed x997")...)
		last := sink.got[len(sink.got)-1]
		if got, want := last.Message, "and 997 more of 1 kind: R0002 997 times"; got != want {
			t.Errorf("summary: got %q, want %q", got, want)
		}
		if g, l := last.Gravest, last.Latest; g == nil || l == nil || g.Fingerprint != "web/3" || l.Fingerprint != "web/999" {
			t.Errorf("summary: the gravest %+v, the latest %+v, want the first and the last that were held", g, l)
		}
		if got, want := last.Workload.Name, "web"; got != want {
			t.Errorf("summary of workload %q, want %q", got, want)
		}
	})
}

func TestBudgetIsWonBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &recorder{}
		opts := optionsFor(sink)
		opts.Burst, opts.SummaryInterval = 2, time.Hour
		d, _ := start(t, opts)
		for i := range 4 {
			d.Enqueue(raised("web", fmt.Sprint("a", i), severity.Low))
		}
		time.Sleep(opts.RefillInterval)
		for i := range 4 {
			d.Enqueue(raised("web", fmt.Sprint("b", i), severity.Low))
		}
		time.Sleep(2 * opts.RefillInterval)
		for i := range 4 {
			d.Enqueue(raised("web", fmt.Sprint("c", i), severity.Low))
		}
		synctest.Wait()
		wantLines(t, sink, "web/a0 x1", "web/a1 x1", "web/b0 x1", "web/c0 x1", "web/c1 x1")
	})
}

// A million distinct deviations of one workload in a minute: its memory is
// bounded, what the other workload does arrives without any time passing.
func TestOneWorkloadCannotBuryAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &recorder{}
		d, stop := start(t, optionsFor(sink))
		const minute, perSecond = 60, 1_000_000 / 60
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for second := range minute {
			for i := range perSecond {
				d.Enqueue(raised("evil", fmt.Sprintf("%d.%d", second, i), severity.Low))
			}
			d.Enqueue(raised("good", fmt.Sprint(second/10), severity.Medium))
			synctest.Wait()
			if want := fmt.Sprintf("good/%d x1", second/10); !slices.Contains(sink.lines(), want) {
				t.Fatalf("second %d: %s has not arrived", second, want)
			}
			time.Sleep(time.Second)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
			t.Errorf("heap grew by %d bytes, want at most 4 MiB", grown)
		}
		stop()
		var told uint64
		for _, a := range sink.got {
			if a.Workload.Name == "evil" {
				told += a.Count
			}
		}
		if want := uint64(minute * perSecond); told != want {
			t.Errorf("deviations told: got %d, want %d", told, want)
		}
	})
}

func TestMemoryIsBoundedOverWorkloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &recorder{}
		opts := optionsFor(sink)
		opts.MaxAlerts = 10
		d, stop := start(t, opts)
		for i := range 100 {
			d.Enqueue(raised(fmt.Sprint("w", i), "a", severity.High))
		}
		d.Enqueue(raised("w0", "b", severity.High)) // a known workload has its summary
		stop()
		s := d.Stats()
		if s.Lost != 90 || s.Held != 1 || s.Alerts != 11 {
			t.Errorf("stats: got %+v, want 90 lost, 1 held, 11 alerts", s)
		}
	})
}

func TestStuckSinkDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck, sink := &recorder{name: "_stuck", block: make(chan struct{})}, &recorder{}
		opts := optionsFor(stuck, sink)
		opts.QueueLength, opts.Burst = 4, 100
		d, stop := start(t, opts)
		for i := range 10 {
			d.Enqueue(raised("web", fmt.Sprint(i), severity.High))
			synctest.Wait()
		}
		if got := len(sink.lines()); got != 10 {
			t.Errorf("delivered beside a stuck sink: got %d, want 10", got)
		}
		stop() // within FlushTimeout, or synctest reports a deadlock
		got := d.Stats().Sinks["recorder_stuck"]
		if want := (SinkStats{Dropped: 10}); got != want {
			t.Errorf("stuck sink: got %+v, want %+v", got, want)
		}
		if got := d.deliveries[0].stats.dropped[dropQueueFull].Load(); got != 5 {
			t.Errorf("dropped for a full queue: got %d, want 5 (4 queued, 1 in delivery)", got)
		}
	})
}

func TestFailureIsCountedAndRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &recorder{err: errors.New("connection refused")}
		d, _ := start(t, optionsFor(sink))
		d.Enqueue(raised("web", "a", severity.High))
		d.Enqueue(raised("web", "b", severity.High))
		synctest.Wait()
		if got, want := d.Stats().Sinks["recorder"], (SinkStats{Queued: 2}); got != want {
			t.Errorf("failing sink: got %+v, want %+v", got, want)
		}
		if got := d.deliveries[0].stats.failures.Load(); got != 1 {
			t.Errorf("failures: got %d, want 1", got)
		}
		sink.set(nil)
		time.Sleep(2 * firstRetry)
		synctest.Wait()
		wantLines(t, sink, "web/a x1", "web/b x1")
		if got, want := d.Stats().Sinks["recorder"], (SinkStats{Delivered: 2}); got != want {
			t.Errorf("sink that is back: got %+v, want %+v", got, want)
		}
	})
}

// One alert that a sink will never take must not hold up the others, nor take
// them with it.
func TestRefusedAlertIsSingledOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &picky{}
		d, err := New(optionsFor(sink))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a", "poison", "b", "c"} {
			d.Enqueue(raised("web", name, severity.High))
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		synctest.Wait()
		wantLines(t, &sink.recorder, "web/a x1", "web/b x1", "web/c x1")
		if got, want := d.Stats().Sinks["recorder"], (SinkStats{Delivered: 3, Dropped: 1}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// picky takes no batch that holds an alert called poison.
type picky struct{ recorder }

func (p *picky) Send(ctx context.Context, alerts []alert.Alert) (int, error) {
	if slices.ContainsFunc(alerts, func(a alert.Alert) bool { return a.Fingerprint == "web/poison" }) {
		return 0, fmt.Errorf("poison: %w", alert.ErrRefused)
	}
	return p.recorder.Send(ctx, alerts)
}

func TestThreshold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &recorder{}
		opts := optionsFor(sink)
		opts.Routes[0].MinSeverity = severity.High
		d, _ := start(t, opts)
		d.Enqueue(raised("web", "a", severity.Medium))
		d.Enqueue(raised("web", "b", severity.High))
		d.Enqueue(raised("web", "a", severity.Critical)) // worse than before: told with what came before
		synctest.Wait()
		wantLines(t, sink, "web/b x1", "web/a x2")
	})
}

func TestShutdownFlushesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &recorder{}
		opts := optionsFor(sink)
		opts.Burst = 2
		d, stop := start(t, opts)
		for _, fingerprint := range []string{"a", "b", "c", "b", "a", "a"} {
			d.Enqueue(raised("web", fingerprint, severity.High))
		}
		stop()
		wantLines(t, sink, "web/a x1", "web/b x1", "web/a x3", "web/b x2", "suppressed x1")
		d.Enqueue(raised("web", "a", severity.High))
		if got := d.Stats().Lost; got != 1 {
			t.Errorf("lost after the end: got %d, want 1", got)
		}
	})
}

func TestEnqueueNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, err := New(optionsFor(&recorder{}))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10_000 { // nothing runs yet: a wait would be a deadlock
			d.Enqueue(raised(fmt.Sprint("w", i), "a", severity.High))
		}
	})
}

func TestOptionsAreChecked(t *testing.T) {
	opts := optionsFor(&recorder{})
	opts.Burst = 0
	if _, err := New(opts); err == nil || !strings.Contains(err.Error(), "Burst") {
		t.Errorf("New with Burst 0: got %v, want an error that names Burst", err)
	}
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	opts := optionsFor(&recorder{})
	opts.Registerer = registry
	d, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	d.Enqueue(raised("web", "a", severity.High))
	d.Enqueue(raised("web", "a", severity.High))
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("lint: %s: %s", problem.Metric, problem.Text)
	}
	const want = `
# HELP bobwatch_alerts_active Incidents that are remembered because they may repeat.
# TYPE bobwatch_alerts_active gauge
bobwatch_alerts_active 1
# HELP bobwatch_sink_queued_alerts Alerts that wait for the sink, in memory and on disk.
# TYPE bobwatch_sink_queued_alerts gauge
bobwatch_sink_queued_alerts{sink="recorder"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want),
		"bobwatch_alerts_active", "bobwatch_sink_queued_alerts"); err != nil {
		t.Error(err)
	}
	if got := d.Stats().Deviations; got != 2 {
		t.Errorf("deviations: got %d, want 2", got)
	}
	if _, err := New(opts); err == nil {
		t.Error("a second dispatcher at one registerer: got no error")
	}
}
