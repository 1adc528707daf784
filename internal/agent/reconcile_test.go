package agent

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"

	"bobwatch/internal/agent/metrics"
	"bobwatch/internal/alert"
	"bobwatch/internal/config"
	"bobwatch/internal/profile"
	"bobwatch/internal/rule"
	"bobwatch/internal/status"
)

// TestLostStartsAreFound makes more cgroups than the ring buffer has room for,
// while nobody reads it. Each is watched soon after, and those whose start was
// lost are reported.
func TestLostStartsAreFound(t *testing.T) {
	c := testConfig(t)
	c.Learning.Window = config.Duration(time.Hour)
	c.Sensor.RingBytes = 64 << 10
	reader, writer := io.Pipe()
	alerts := make(chan alert.Alert, 1024)
	go func() {
		for lines := json.NewDecoder(reader); ; {
			var a alert.Alert
			if lines.Decode(&a) != nil {
				return
			}
			alerts <- a
		}
	}()
	a := &agent{config: c, log: zap.NewNop(), registry: metrics.NewRegistry()}
	closers, err := a.open(writer, false)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { done <- a.run(ctx) }()
	r := &running{t: t, config: c}
	eventually(t, "readyz", func() bool { return r.get("/readyz") == "ok\n" })

	release := make(chan struct{})
	a.engine.post(ctx, func() { <-release })
	const many = 400
	var last victim
	for range many {
		last = newVictim(t)
	}
	close(release)
	released := time.Now()
	var s status.Status
	eventually(t, "every cgroup is watched", func() bool {
		s = status.Status{}
		return json.Unmarshal([]byte(r.get(status.Path)), &s) == nil && len(s.Workloads) == many
	})
	t.Logf("all are watched %s after somebody reads again", time.Since(released).Round(time.Millisecond))
	late := 0
	for _, w := range s.Workloads {
		late += int(w.Late)
		if (w.Late > 0) != (w.Completeness == profile.Partial) && w.Completeness != profile.Learning {
			t.Errorf("%s: late %d and %s", w.Name, w.Late, w.Completeness)
		}
	}
	if late == 0 || late == many {
		t.Fatalf("%d of %d starts were lost, want some", late, many)
	}
	for range late {
		select {
		case a := <-alerts:
			if a.Rule != rule.WatchedLate || a.Workload.Name == "" {
				t.Errorf("alert %s about %q, want %s", a.Rule, a.Workload.Name, rule.WatchedLate)
			}
		case <-time.After(patience):
			t.Fatal("a lost start is not reported")
		}
	}
	last.sh(t, benign)
	eventually(t, "its acts are learned", func() bool {
		s = status.Status{}
		if json.Unmarshal([]byte(r.get(status.Path)), &s) != nil {
			return false
		}
		for _, w := range s.Workloads {
			if w.Name == last.name() {
				return w.Learned.Execs > 0
			}
		}
		return false
	})
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, closer := range slices.Backward(closers) {
		if err := closer.Close(); err != nil {
			t.Error(err)
		}
	}
}
