package main

import (
	"testing"
	"time"

	"bobwatch/test/cluster"
)

// TestNoWritesOnceNothingIsNew lets a small fleet learn: everything has to
// arrive, and then nothing is written any more.
func TestNoWritesOnceNothingIsNew(t *testing.T) {
	r, err := simulate(t.Context(), cluster.NewControlPlane(t), options{
		Agents: 20, Workloads: 3, Facts: 50,
		Window: 20 * time.Second, Learning: 5 * time.Second, After: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.print(t.Output())
	if got := r.Converging.Writes; got < 3 {
		t.Errorf("%.0f writes of 3 workloads", got)
	}
	if got := r.After.Writes + r.After.Conflicts; got != 0 {
		t.Errorf("%.0f writes once nothing was new, want none", got)
	}
}
