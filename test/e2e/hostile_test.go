package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"bobwatch/internal/alert"
)

// maxRSS is what the agent may take in memory at its worst, whatever
// containers do, in bytes.
const maxRSS = 96 << 20

// TestHostileInput lets a container choose names, arguments and a pace that
// would break a careless reader. That every line is an alert, and that the
// agent ends well, is checked when the test ends.
func TestHostileInput(t *testing.T) {
	l := newLab(t)
	config := l.config(t, 8*time.Second)
	a := l.agent(t, config)
	learnVictim(t, l, config)
	k := l.start(t, l.victim, victimSpec("victim-hostile"))
	tests := map[string]struct {
		line  string
		named func(*alert.Alert) bool
	}{
		"path longer than any string": {"attack deep", func(a *alert.Alert) bool {
			return a.Deviation.Open != nil && strings.HasSuffix(a.Deviation.Open.Path, "/deep")
		}},
		"name with newlines and invalid UTF-8": {"attack odd-name", func(a *alert.Alert) bool {
			return a.Deviation.Open != nil && strings.HasPrefix(a.Deviation.Open.Path, `/tmp/a\x0a{`)
		}},
		"argument of 128 KiB": {"attack long-args", func(a *alert.Alert) bool {
			return a.Deviation.Exec != nil && len(a.Deviation.Exec.Args) > 2 && strings.HasPrefix(a.Deviation.Exec.Args[2], "xxxx")
		}},
		"file deleted before it is opened": {"attack deleted", func(a *alert.Alert) bool {
			return a.Deviation.Open != nil && strings.HasPrefix(a.Deviation.Open.Path, "/tmp/deleted")
		}},
		"processes gone before they are looked up": {
			"for i in 1 2 3 4 5 6 7 8 9; do sh -c 'nl /dev/null & exit'; done", executed("/usr/bin/nl"),
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := len(a.Alerts())
			mustTell(t, k, tt.line)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			seen, ok := a.Await(ctx, before, tt.named)
			if !ok {
				t.Error("no alert")
				for _, s := range a.Alerts()[before:] {
					t.Logf("but: %s", s.Message)
				}
			} else if seen.Container.ID != k.ID {
				t.Errorf("alert is about container %s, want %s", seen.Container.ID, k.ID)
			}
		})
	}
}

// TestFlood lets one container open new files as fast as it can, while it
// learns and while it is guarded, and wants the agent to stay small, to say
// what it held back, and to see what another container does meanwhile.
func TestFlood(t *testing.T) {
	l := newLab(t)
	config := l.config(t, 8*time.Second)
	a := l.agent(t, config)
	learnVictim(t, l, config)
	loud := l.start(t, l.victim, victimSpec("victim-loud"))
	quiet := l.start(t, l.victim, victimSpec("victim-quiet"))
	flood := make(chan error, 1)
	go func() {
		_, err := tell(t.Context(), loud, "attack spray 200000")
		flood <- err
	}()
	time.Sleep(200 * time.Millisecond) // in the middle of the flood
	before := len(a.Alerts())
	mustTell(t, quiet, "nl /etc/secrets/open")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	fromQuiet := func(a *alert.Alert) bool { return a.Container.ID == quiet.ID && executed("/usr/bin/nl")(a) }
	if _, ok := a.Await(ctx, before, fromQuiet); !ok {
		t.Error("the flood of one container hid what another did")
	}
	if err := <-flood; err != nil {
		t.Fatal(err)
	}
	if n := len(a.Alerts()) - before; n > 5000 {
		t.Errorf("the flood made %d alerts", n)
	}
	checkRSS(t, a.PID())
}

// TestFloodWhileLearning wants memory bounded while a container names more
// files than anyone could remember.
func TestFloodWhileLearning(t *testing.T) {
	l := newLab(t)
	config := l.config(t, 20*time.Second)
	a := l.agent(t, config)
	k := l.start(t, l.victim, victimSpec("victim-learned"))
	mustTell(t, k, "attack spray 200000")
	checkRSS(t, a.PID())
	got := learned(t, config, "victim") // the container idles through its window
	if n := len(got.Opens); n > 1000 {
		t.Errorf("learned %d opens, want the sprayed ones as one pattern", n)
	}
}

// checkRSS fails the test if the process is larger than maxRSS.
func checkRSS(t *testing.T, pid int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var kib int
		if n, _ := fmt.Sscanf(string(line), "VmHWM: %d kB", &kib); n == 1 {
			t.Logf("the agent took %d KiB at most", kib)
			if kib<<10 > maxRSS {
				t.Errorf("the agent took %d KiB of memory, want at most %d", kib, maxRSS>>10)
			}
			return
		}
	}
	t.Fatalf("no VmHWM in the status of pid %d", pid)
}
