package delivery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/severity"
)

// guarded is a sink behind a proxy that answers 403 to what it takes for an
// attack: any request with an alert whose name begins with poison.
type guarded struct{ recorder }

func (g *guarded) Send(ctx context.Context, alerts []alert.Alert) (int, error) {
	if slices.ContainsFunc(alerts, func(a alert.Alert) bool { return strings.HasPrefix(a.Fingerprint, "web/poison") }) {
		return 0, errors.New("403 Forbidden")
	}
	return g.recorder.Send(ctx, alerts)
}

// An alert that a sink does not take holds nothing back, is given up once others
// were taken while it failed, and is kept for people.
func TestGiveUpWhatFailsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &guarded{}
		opts := optionsFor(sink)
		opts.Routes[0].Queue = filepath.Join(t.TempDir(), "queue.db")
		opts.Routes[0].QueueBytes = 1 << 20
		d, stop := start(t, opts)
		for i := range 20 {
			d.Enqueue(raised("web", fmt.Sprintf("poison%d", i), severity.High))
		}
		want := 0
		for i := range 12 {
			d.Enqueue(raised("web", fmt.Sprintf("good%d", i), severity.High))
			want++
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			if got := len(sink.lines()); got != want {
				t.Fatalf("%d alerts arrived within two minutes, want %d: %q", got, want, sink.lines())
			}
		}
		if got, want := d.Stats().Sinks["recorder"], (SinkStats{Delivered: 12, Dropped: 20}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		text, err := os.ReadFile(opts.Routes[0].Queue + ".dead")
		if err != nil || strings.Count(string(text), "\n") != 20 || !strings.Contains(string(text), `"web/poison7"`) {
			t.Errorf("kept are %d alerts (%v), want the 20", strings.Count(string(text), "\n"), err)
		}
		stop()
	})
}

// A sink that takes nothing is down: no alert is to blame, and none is given up.
func TestOutageGivesNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &recorder{err: errors.New("connection refused")}
		d, stop := start(t, optionsFor(sink))
		for i := range 30 {
			d.Enqueue(raised("web", fmt.Sprint(i), severity.High))
		}
		time.Sleep(4 * time.Minute) // less than when they would be sent again
		synctest.Wait()
		if got := d.Stats().Sinks["recorder"]; got.Dropped != 0 || got.Queued != 30 {
			t.Fatalf("got %+v, want all 30 to wait", got)
		}
		sink.set(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := d.Stats().Sinks["recorder"]; got.Delivered < 30 || got.Dropped != 0 {
			t.Errorf("got %+v, want all 30 delivered", got)
		}
		stop()
	})
}

// The file of what was given up is bounded.
func TestDeadLettersAreBounded(t *testing.T) {
	l := deadLetters{path: filepath.Join(t.TempDir(), "q.dead")}
	a := raised("web", "a", severity.High)
	a.Message = strings.Repeat("x", 60<<10)
	for range 100 {
		if err := l.add(&a); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{l.path, l.path + ".old"} {
		if info, err := os.Stat(path); err != nil || info.Size() > maxDeadBytes || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v, want at most %d bytes", path, info, err, maxDeadBytes)
		}
	}
}
