package e2e

import (
	"fmt"
	"testing"
	"time"

	"bobwatch/internal/testenv"
)

// TestSilence learns the five workloads once and runs them again and again,
// with restarts: nothing that they do may be an alert.
func TestSilence(t *testing.T) {
	l := newLab(t)
	runs, window := 3, 20*time.Second
	if soak {
		runs, window = 20, time.Minute
	}
	config := l.config(t, window)
	a := l.agent(t, config)
	round := 0
	for _, w := range l.workloads {
		// The window counts the container's time, over restarts.
		for part := range 2 {
			k := l.start(t, w, testenv.ContainerSpec{ID: fmt.Sprintf("%s-learned-%d", w.Name, part)})
			for end := time.Now().Add(window/2 + time.Second); time.Now().Before(end); round++ {
				if err := w.Load(t.Context(), k, round); err != nil {
					t.Fatal(err)
				}
			}
			l.stop(t, k)
		}
	}
	for _, w := range l.workloads {
		learned(t, config, w.Name)
	}
	for run := range runs {
		for _, w := range l.workloads {
			k := l.start(t, w, testenv.ContainerSpec{ID: fmt.Sprintf("%s-guarded-%d", w.Name, run)})
			round++
			if err := w.Load(t.Context(), k, round); err != nil {
				t.Fatal(err)
			}
			l.stop(t, k)
		}
	}
	last := l.start(t, l.workloads[0], testenv.ContainerSpec{ID: l.workloads[0].Name + "-marker"})
	mustBeSilent(t, a, "/usr/bin/shuf", func() {
		if _, err := last.Exec(t.Context(), "shuf", "/dev/null"); err != nil {
			t.Fatal(err)
		}
	})
}
