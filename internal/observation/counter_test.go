package observation

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bobwatch/internal/event"
	"bobwatch/internal/observe"
	"bobwatch/internal/workload"
)

// A pipe gets a line now and then, and the recording ends when nothing new has
// come for long enough.
func TestCounterInPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recorder := observe.NewRecorder()
		s := &observe.Subject{Container: workload.Container{Name: "web"}}
		recorder.Begin(s)
		var out bytes.Buffer
		c := NewCounter(&out, recorder)
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		go func() {
			time.Sleep(15 * time.Second)
			recorder.Act(s, newsEvent(event.KindExec, func(ev *event.Event) { ev.Path = []byte("/bin/true") }))
		}()
		c.Run(ctx, 20*time.Second, cancel)
		if got := time.Since(began).Round(time.Second); got != 35*time.Second {
			t.Errorf("ended after %s, want 35s: 20s after the last news", got)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		want := "recording for 20s: 0 system calls, 1 execution, 0 opens; nothing new for 5s"
		if len(lines) != 3 || lines[1] != want {
			t.Errorf("wrote %q, want three lines, the second %q", lines, want)
		}
	})
}
