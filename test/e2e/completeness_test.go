package e2e

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/profile"
	"bobwatch/internal/testenv"
	"bobwatch/test/workloads"
)

// TestCompleteness wants what was learned to be all that the workload did, and
// nothing that the runtime did for it: the same system calls that bpftrace
// counted in the same run.
func TestCompleteness(t *testing.T) {
	l := newLab(t)
	runs := 1
	if soak {
		runs = 10
	}
	for _, w := range l.workloads {
		t.Run(w.Name, func(t *testing.T) {
			for run := range runs {
				checkComplete(t, l, w, run)
			}
		})
	}
}

func checkComplete(t *testing.T, l *lab, w workloads.Workload, run int) {
	t.Helper()
	config := l.config(t, time.Hour) // the test ends it
	a := l.agent(t, config)
	end := watchTruth(t, w.Entrypoint)
	k := l.start(t, w, testenv.ContainerSpec{ID: w.Name + "-complete"})
	cgroup, err := k.CgroupID()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Load(t.Context(), k, run); err != nil {
		t.Error(err)
	}
	l.stop(t, k)
	tr := end()
	if err := a.Stop(); err != nil { // it writes down what it has
		t.Fatal(err)
	}
	p, _, err := config.Profile(w.Name)
	if err != nil {
		t.Fatal(err)
	}
	if p == nil {
		t.Fatalf("no profile of %s", w.Name)
	}
	got, want := container(t, p), tr.names(t, cgroup)
	if diff := cmp.Diff(want, got.Syscalls[runtime.GOARCH]); diff != "" {
		t.Errorf("run %d: system calls that were made (-) and learned (+):\n%s", run, diff)
	}
	if tr.execs[cgroup] == 0 {
		t.Errorf("run %d: bpftrace saw no execution", run)
	}
	first := resolved(w)
	if !slices.ContainsFunc(got.Execs, func(e profile.Exec) bool { return e.Path == first }) {
		t.Errorf("run %d: the entrypoint's execution of %s was not learned: %v", run, first, got.Execs)
	}
	if pr := p.Spec.Provenance; pr.From != "start" || pr.Lost != 0 {
		t.Errorf("run %d: provenance = %+v, want a start that was seen and nothing lost", run, pr)
	}
}

// resolved returns the file that the first execution of w ends up in: a script
// is executed by its interpreter.
func resolved(w workloads.Workload) string {
	for _, f := range w.Image.Files {
		if f.Path == w.Entrypoint && len(f.Data) > 2 && string(f.Data[:2]) == "#!" {
			return "/usr/bin/dash"
		}
	}
	if w.Entrypoint == "/usr/bin/redis-server" {
		return "/usr/bin/redis-check-rdb" // a link to it
	}
	return w.Entrypoint
}
