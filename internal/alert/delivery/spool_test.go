package delivery

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"bobwatch/internal/alert"
	"bobwatch/internal/severity"
)

const testBytes = 1 << 20

func newSpool(t *testing.T, path string, maxBytes int64) *spool {
	t.Helper()
	s, restored, err := openSpool(path, maxBytes)
	if err != nil {
		t.Fatal(err)
	}
	if restored.damage != nil || restored.refused != 0 || restored.unreadable != 0 {
		t.Errorf("restored: got %+v, want no loss", restored)
	}
	t.Cleanup(func() { s.close() })
	return s
}

func spoolAlerts(t *testing.T, s *spool, alerts ...alert.Alert) (refused int) {
	t.Helper()
	var list []*alert.Alert
	for i := range alerts {
		list = append(list, &alerts[i])
	}
	refused, err := s.add(list)
	if err != nil {
		t.Fatal(err)
	}
	return refused
}

// wantSpool fails unless s holds what want shows as "fingerprint xcount".
func wantSpool(t *testing.T, s *spool, want ...string) {
	t.Helper()
	alerts, unreadable := s.oldest(1000)
	var got []string
	for _, a := range alerts {
		got = append(got, fmt.Sprintf("%s x%d", a.Fingerprint, a.Count))
	}
	if diff := cmp.Diff(want, got); diff != "" || unreadable != 0 {
		t.Errorf("on disk, %d unreadable (-want +got):\n%s", unreadable, diff)
	}
}

func TestSpoolKeepsOrderOverRestarts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "queue.db")
	s := newSpool(t, path, testBytes)
	first := raised("web", "a", severity.High)
	first.Message = "as it was" // all of an alert survives
	first.Deviation = alert.Deviation{Open: &alert.Open{Path: `/a\x0a`, Flags: "O_RDONLY"}}
	first.First, first.Last = first.First.UTC().Truncate(0), first.Last.UTC().Truncate(0)
	spoolAlerts(t, s, first, raised("web", "b", severity.High), raised("db", "c", severity.Low))
	if err := s.remove(1); err != nil {
		t.Fatal(err)
	}
	spoolAlerts(t, s, first)
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	again := newSpool(t, path, testBytes)
	wantSpool(t, again, "web/b x1", "db/c x1", "web/a x1")
	got, _ := again.oldest(3)
	if diff := cmp.Diff(first, got[2]); diff != "" {
		t.Errorf("alert (-want +got):\n%s", diff)
	}
	if again.bytes != s.bytes {
		t.Errorf("bytes: got %d, want %d as before", again.bytes, s.bytes)
	}
}

func TestSpooledRepeatReplaces(t *testing.T) {
	s := newSpool(t, filepath.Join(t.TempDir(), "queue.db"), testBytes)
	a := raised("web", "a", severity.High)
	repeat, later := a, a
	repeat.Count = 25
	later.First, later.Count = a.First.Add(time.Hour), 3 // after the first was over
	spoolAlerts(t, s, a, raised("web", "b", severity.High), repeat)
	spoolAlerts(t, s, later)
	wantSpool(t, s, "web/a x25", "web/b x1", "web/a x3")
	if err := s.remove(3); err != nil {
		t.Fatal(err)
	}
	if s.bytes != 0 || len(s.byWorkload) != 0 || len(s.byIncident) != 0 {
		t.Errorf("empty spool: got %d bytes, %v, %v", s.bytes, s.byWorkload, s.byIncident)
	}
}

func TestSpoolIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue.db")
	s := newSpool(t, path, testBytes)
	big := func(workload string, i int) alert.Alert {
		a := raised(workload, fmt.Sprint(i), severity.High)
		a.Message = strings.Repeat("x", 60<<10)
		return a
	}
	refused := 0
	for i := range 100 {
		refused += spoolAlerts(t, s, big("evil", i))
	}
	if got, want := s.len(), 4; got != want || refused != 100-want {
		t.Errorf("one workload: got %d alerts and %d refused, want %d and %d", got, refused, want, 100-want)
	}
	if refused := spoolAlerts(t, s, big("good", 1)); refused != 0 {
		t.Error("one workload took the room of another")
	}
	for round := range 20 { // the file does not grow with what passes through
		for i := range 20 {
			spoolAlerts(t, s, big(fmt.Sprint("w", i), round))
		}
		if s.bytes > testBytes {
			t.Fatalf("bytes: got %d, want at most %d", s.bytes, testBytes)
		}
		if err := s.remove(s.len()); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if limit := int64(fileFactor*testBytes + fileSlack); info.Size() > limit {
		t.Errorf("file: got %d bytes, want at most %d", info.Size(), limit)
	}
	s.close()
	newSpool(t, path, testBytes)
	if after, err := os.Stat(path); err != nil || after.Size() > 64<<10 {
		t.Errorf("empty file after a restart: got %d bytes, %v, want at most 64 KiB", after.Size(), err)
	}
}

// spoolFile returns the contents of a queue of 50 alerts.
func spoolFile(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "whole.db")
	s, _, err := openSpool(path, testBytes)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		a := raised(fmt.Sprint("w", i), strings.Repeat("x", 3000), severity.High)
		if _, err := s.add([]*alert.Alert{&a}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestDamagedSpoolIsMadeAnew(t *testing.T) {
	raw := spoolFile(t)
	for name, content := range map[string][]byte{
		"text": []byte(strings.Repeat("not a queue\n", 1000)), "cut": raw[:len(raw)/3], "zero": make([]byte, 20000),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "queue.db")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			s, restored, err := openSpool(path, testBytes)
			if err != nil || restored.damage == nil {
				t.Fatalf("openSpool: got %+v, %v, want damage and no error", restored, err)
			}
			defer s.close()
			if kept, err := os.ReadFile(path + ".unreadable"); err != nil || !bytes.Equal(kept, content) {
				t.Errorf("the damaged file was not kept: %v", err)
			}
			before := s.len()
			spoolAlerts(t, s, raised("web", "a", severity.High))
			if got, want := s.len(), before+1; got != want {
				t.Errorf("alerts: got %d, want %d", got, want)
			}
		})
	}
}

func TestSpoolOfOtherVersions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue.db")
	s := newSpool(t, path, testBytes)
	for i := range 10 {
		spoolAlerts(t, s, raised("web", fmt.Sprint(i), severity.High))
	}
	err := s.db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(alertsBucket).Put([]byte{0, 0, 0, 0, 0, 0, 0, 99}, []byte(`{"severity": "grave"}`))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	s, restored, err := openSpool(path, 8<<10) // less room than before
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if restored.unreadable != 1 || restored.refused == 0 || s.len() == 0 || s.len()+restored.refused != 10 {
		t.Errorf("got %d alerts, %+v, want 1 unreadable, some refused, 10 in all", s.len(), restored)
	}
}

// FuzzOpenSpool writes something into a good file, at two places.
func FuzzOpenSpool(f *testing.F) {
	raw := spoolFile(f)
	f.Add(uint32(0), []byte{}, uint32(0), []byte{})
	f.Add(uint32(4096), []byte("\xff\xff\xff\xff"), uint32(16384), []byte{2, 0, 9})
	f.Add(uint32(8192+16), []byte{0xff, 0xff, 0, 0, 0xff}, uint32(20480), []byte("\x00"))
	f.Fuzz(func(t *testing.T, at uint32, what []byte, and uint32, whatElse []byte) {
		file := slices.Clone(raw)
		copy(file[int(at)%len(file):], what)
		copy(file[int(and)%len(file):], whatElse)
		path := filepath.Join(t.TempDir(), "queue.db")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		s, _, err := openSpool(path, testBytes)
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		spoolAlerts(t, s, raised("new", "a", severity.High))
		if s.len() == 0 {
			t.Error("takes nothing")
		}
		if err := s.remove(s.len()); err != nil {
			t.Error(err)
		}
	})
}

func TestAgentStartsWithoutItsDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(dir, nil, 0o600); err != nil { // in the way of the directory
			t.Fatal(err)
		}
		sink := &recorder{}
		d, stop := start(t, routed(sink, filepath.Join(dir, "queue.db")))
		d.Enqueue(raised("web", "a", severity.High))
		synctest.Wait()
		wantLines(t, sink, "web/a x1")
		if d.deliveries[0].stats.diskFailures.Load() == 0 {
			t.Error("disk failures: got none counted")
		}
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		sink.set(errors.New("connection refused"))
		time.Sleep(diskRetry)
		d.Enqueue(raised("web", "b", severity.High))
		stop()
		d.Close()
		if got, want := d.Stats().Sinks["recorder"], (SinkStats{Queued: 1, Delivered: 1}); got != want {
			t.Errorf("disk that is back: got %+v, want %+v", got, want)
		}
	})
}

// routed is a dispatcher whose one sink has a queue on disk.
func routed(sink alert.Sink, path string) Options {
	opts := DefaultOptions()
	opts.Routes = []Route{{Sink: sink, Queue: path, QueueBytes: testBytes}}
	return opts
}

func TestSinkThatIsDownLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "queue.db")
		sink := &recorder{err: errors.New("connection refused")}
		d, stop := start(t, routed(sink, path))
		var want []string
		for i := range 30 {
			d.Enqueue(raised("web", fmt.Sprint(i), severity.High))
			want = append(want, fmt.Sprintf("web/%d x1", i))
			time.Sleep(time.Second)
		}
		synctest.Wait()
		raw, err := os.ReadFile(path) // what a killed agent leaves behind
		if err != nil {
			t.Fatal(err)
		}
		killed := filepath.Join(t.TempDir(), "killed.db")
		if err := os.WriteFile(killed, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		wantSpool(t, newSpool(t, killed, testBytes), want...)
		stop()
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if got, want := d.Stats().Sinks["recorder"], (SinkStats{Queued: 30}); got != want {
			t.Errorf("stopped while the sink is down: got %+v, want %+v", got, want)
		}

		sink.set(nil)
		d, stop = start(t, routed(sink, path))
		synctest.Wait()
		wantLines(t, sink, want...)
		stop()
		d.Close()

		d, stop = start(t, routed(sink, path))
		synctest.Wait()
		wantLines(t, sink, want...) // once
		stop()
		d.Close()
	})
}

func TestQueueOnDiskCountsWhatItLoses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &recorder{err: errors.New("connection refused")}
		d, stop := start(t, routed(sink, filepath.Join(t.TempDir(), "queue.db")))
		const n = 100
		for i := range n {
			a := raised(fmt.Sprint("w", i), "a", severity.High)
			a.Message = strings.Repeat("x", 60<<10)
			d.Enqueue(a)
		}
		synctest.Wait()
		got := d.Stats().Sinks["recorder"]
		if got.Queued == 0 || got.Dropped == 0 || got.Queued+int(got.Dropped) != n {
			t.Errorf("full queue: got %+v, want some of %d queued and all others dropped", got, n)
		}
		stop()
		d.Close()
	})
}
