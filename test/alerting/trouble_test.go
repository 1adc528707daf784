package alerting

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/alert/delivery"
	"bobwatch/internal/alert/sink"
	"bobwatch/internal/detector"
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
	"bobwatch/internal/testenv"
)

// tinyDisk is a file system of 512 KiB.
func tinyDisk(t *testing.T) string {
	t.Helper()
	testenv.Root(t)
	dir := t.TempDir()
	if err := syscall.Mount("bobwatch-test", dir, "tmpfs", 0, "size=512k"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// fill takes what is left of the disk at dir.
func fill(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "ballast")
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	return path
}

// TestDiskIsFull while the sink is up: nothing is lost.
func TestDiskIsFull(t *testing.T) {
	am, dir := startAlertmanager(t), tinyDisk(t)
	r := newReplica(t, 0, toAlertmanager(t, dir, sink.AlertmanagerOptions{ResolveAfter: time.Hour}, am))
	ballast := fill(t, dir)
	r.attack(2000)
	am.wantActive(t, attackMessages...)
	if s := r.dispatcher.Stats().Sinks["am"]; s.Dropped != 0 || s.Delivered != 4 {
		t.Errorf("got %+v, want 4 delivered", s)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
}

// TestDiskIsFullAndSinkIsDown: what finds room in memory is kept, the rest is
// counted, the agent goes on, and delivers what it kept.
func TestDiskIsFullAndSinkIsDown(t *testing.T) {
	am, dir := newAlertmanager(t), tinyDisk(t)
	r := newReplica(t, 0, toAlertmanager(t, dir, sink.AlertmanagerOptions{ResolveAfter: time.Hour}, am))
	fill(t, dir)
	const raised = 2000
	for i := range raised {
		r.raiseAs(fmt.Sprint("w", i))
	}
	var s delivery.SinkStats
	eventually(t, func() error {
		s = r.dispatcher.Stats().Sinks["am"]
		if s.Dropped == 0 || s.Queued+int(s.Dropped) != raised {
			return fmt.Errorf("got %+v, want %d in all, some of them dropped", s, raised)
		}
		return nil
	})
	am.start(t)
	eventually(t, func() error {
		got, err := am.active()
		if err == nil && len(got) != s.Queued {
			err = fmt.Errorf("active alerts: got %d, want the %d that were queued", len(got), s.Queued)
		}
		return err
	})
}

// TestQueueIsFull: the sink is down for so long that its queue on disk is full.
func TestQueueIsFull(t *testing.T) {
	am, dir := newAlertmanager(t), t.TempDir()
	route := toAlertmanager(t, dir, sink.AlertmanagerOptions{ResolveAfter: time.Hour}, am)
	route.QueueBytes = 1 << 20
	r := newReplica(t, 0, route)
	const raised = 1500
	for i := range raised {
		r.raiseAs(fmt.Sprint("w", i))
		if i%500 == 499 { // no faster than the queue in memory is emptied
			eventually(t, func() error {
				if s := r.dispatcher.Stats().Sinks["am"]; s.Queued+int(s.Dropped) != i+1 {
					return fmt.Errorf("got %+v", s)
				}
				return nil
			})
			time.Sleep(200 * time.Millisecond)
		}
	}
	s := r.dispatcher.Stats().Sinks["am"]
	if s.Dropped == 0 || s.Queued == 0 {
		t.Errorf("got %+v, want some dropped and some queued", s)
	}
	info, err := os.Stat(filepath.Join(dir, "am.db"))
	if err != nil || info.Size() > 5<<20 {
		t.Errorf("file: got %d bytes, %v, want at most 5 MiB", info.Size(), err)
	}
	am.start(t)
	eventually(t, func() error {
		got, err := am.active()
		if err == nil && len(got) != s.Queued {
			err = fmt.Errorf("active alerts: got %d, want the %d that were queued", len(got), s.Queued)
		}
		return err
	})
}

// TestMillionDeviations of one container, all of them different: memory is
// bounded, and what another workload does arrives meanwhile.
func TestMillionDeviations(t *testing.T) {
	am := startAlertmanager(t)
	r := newReplica(t, 0, toAlertmanager(t, t.TempDir(), sink.AlertmanagerOptions{ResolveAfter: time.Hour}, am))
	const million = 1_000_000
	template := r.builder.Build(detector.Deviation{
		Rule: rule.UnexpectedFileAccess, Severity: severity.High,
		Event: eventOf(event.KindOpen, proc(9, 9, "evil")),
	}, &r.subject)
	template.Message = strings.Repeat("x", 1000)
	before := heap()
	peak := before
	for i := range million {
		a := template
		a.Fingerprint = fmt.Sprint(i)
		r.dispatcher.Enqueue(a)
		switch {
		case i == million/2:
			start := time.Now()
			r.raiseAs("good")
			eventually(t, func() error { return holds(am, "good") })
			t.Logf("the other workload's alert arrived after %v", time.Since(start))
		case i%(million/10) == 0:
			peak = max(peak, heap())
		}
	}
	if grown := max(peak, heap()) - before; grown > 16<<20 {
		t.Errorf("heap grew by %d bytes, want at most 16 MiB", grown)
	}
	r.stop() // tells what was held back
	var sum uint64
	alerts, err := am.active()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range alerts {
		var n uint64
		if _, err := fmt.Sscan(a.Annotations["count"], &n); err != nil {
			t.Fatal(err)
		}
		if a.Labels["workload"] == "webapp" && a.Labels["rule"] != "BW000" {
			sum += n
		}
	}
	if held := r.dispatcher.Stats().Held; sum+held != million || len(alerts) > 300 {
		t.Errorf("told one by one: %d, held: %d in %d alerts, want %d in all and few alerts", sum, held, len(alerts), million)
	}
}

func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// holds reports an error unless there is an active alert about workload.
func holds(am *alertmanager, workload string) error {
	alerts, err := am.active()
	for _, a := range alerts {
		if a.Labels["workload"] == workload {
			return nil
		}
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("no alert about %s", workload)
}

// TestHostileStrings: what a container can call its files, programs and
// itself, in all sinks at once.
func TestHostileStrings(t *testing.T) {
	am, server := startAlertmanager(t), startRsyslog(t, plain)
	var out bytes.Buffer
	r := newReplica(t, 0,
		toAlertmanager(t, t.TempDir(), sink.AlertmanagerOptions{ResolveAfter: time.Hour}, am),
		toSyslog(t, fmt.Sprintf("tcp://127.0.0.1:%d", server.port), sink.TLS{}),
		delivery.Route{Sink: sink.NewStdout(&out, alert.Text(false))},
	)
	names := []string{
		"a\nb", "\x1b[2J\x1b]0;t\a", `"},{"labels":{"forged":"1"`, "\xff\xfe\xc0", "<3>1 - forged - - - -", "\u202e\u2028",
		"{{.Node}}$(id)`id`", "\x00", "a\r\n0 <3>1 - h forged - - - -",
	}
	for i, name := range names {
		comm := proc(uint32(10+i), 9, name)
		args := name + "\x00" + strings.Repeat(name, 1<<20/len(name))
		r.raise(rule.UnexpectedProcess, r.exec("/tmp/"+fmt.Sprint(i)+name, args, comm, comm))
	}
	eventually(t, func() error {
		active, err := am.active()
		messages, err2 := server.messages()
		err = errors.Join(err, err2)
		if err == nil && (len(active) != len(names) || len(messages) != len(names)) {
			err = fmt.Errorf("got %d alerts and %d messages, want %d each", len(active), len(messages), len(names))
		}
		return err
	})
	messages, err := server.messages()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		m.check(t)
	}
	alerts, err := am.active()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range alerts {
		if raw, _ := json.Marshal(a.Labels); len(a.Labels) != 8 || strings.Contains(string(raw), "forged") {
			t.Errorf("labels: %s", raw)
		}
	}
	r.stop()
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	for _, line := range lines {
		if strings.ContainsAny(line, "\x1b\r\x00\u202e\u2028") ||
			!strings.Contains(line, " R0001 shop/Deployment/webapp/web ") && !strings.HasPrefix(line, "         bobctl allow ") {
			t.Errorf("line: %q", line)
		}
	}
	if len(lines) < len(names) {
		t.Errorf("lines: got %d, want at least %d", len(lines), len(names))
	}
}
