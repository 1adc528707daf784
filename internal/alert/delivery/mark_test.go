package delivery

import (
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/severity"
)

// TestMark says when alerts outlive the process: once a sink without a queue on
// disk has them, or a queue on disk does.
func TestMark(t *testing.T) {
	tests := map[string]struct {
		queued bool // on disk
		fails  bool // the sink
		want   bool
	}{
		"delivered":           {want: true},
		"not delivered":       {fails: true},
		"in a queue on disk":  {queued: true, fails: true, want: true},
		"taken off the queue": {queued: true, want: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sink := &recorder{}
				if tt.fails {
					sink.set(errors.New("down"))
				}
				route := Route{Sink: sink}
				if tt.queued {
					route.Queue, route.QueueBytes = filepath.Join(t.TempDir(), "queue"), 1<<20
				}
				opts := DefaultOptions()
				opts.Routes = []Route{route}
				d, stop := start(t, opts)
				before := d.Mark()
				synctest.Wait()
				if !d.Kept(&before) {
					t.Error("there is nothing to keep, and it is not kept")
				}
				d.Enqueue(raised("web", "a", severity.High))
				m := d.Mark()
				synctest.Wait()
				if got := d.Kept(&m); got != tt.want {
					t.Errorf("kept = %t, want %t", got, tt.want)
				}
				stop()
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A call that waits for its execution, and an incident that was never sent, are
// in memory alone.
func TestMarkWaitsForWhatIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := DefaultOptions()
		opts.Routes = []Route{{Sink: &recorder{}}}
		d, _ := start(t, opts)
		call := raised("web", "execve", severity.High)
		call.Lineage = []alert.ProcessKey{{PID: 4711}}
		call.Deviation.Syscall = &alert.Syscall{Name: "execve"}
		d.Enqueue(call)
		m := d.Mark()
		if synctest.Wait(); d.Kept(&m) {
			t.Error("a call that waits is kept")
		}
		time.Sleep(2 * execPatience)
		if synctest.Wait(); !d.Kept(&m) {
			t.Error("a call that was sent is not kept")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		opts := DefaultOptions()
		opts.Routes = []Route{{Sink: &recorder{}, Incidents: true}}
		opts.Correlator = &oneIncident{}
		d, _ := start(t, opts)
		d.Enqueue(raised("web", "a", severity.High))
		m := d.Mark()
		if synctest.Wait(); d.Kept(&m) {
			t.Error("an incident that was not sent is kept")
		}
	})
}
