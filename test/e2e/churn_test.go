package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"bobwatch/internal/testenv"
)

// TestChurn makes and ends one container after another, without a runtime to
// slow it down, and wants the agent to stay small and to see what a container
// does after them.
func TestChurn(t *testing.T) {
	l := newLab(t)
	containers := 500
	if soak {
		containers = 10_000
	}
	root, err := testenv.CgroupRoot()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(l.dir) + "-churn"
	parent := filepath.Join(root, name)
	if err := os.Mkdir(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(parent); err != nil {
			t.Error(err)
		}
	})
	config := l.config(t, 4*time.Second)
	config.Cgroups = "/" + name + "/*"
	a := l.agent(t, config)
	learnVictim(t, l, config)
	for i := range containers {
		runInCgroup(t, filepath.Join(parent, fmt.Sprintf("c%d", i)), "/bin/true")
	}
	checkRSS(t, a.PID())
	k := l.start(t, l.victim, victimSpec("victim-after"))
	mustTell(t, k, "nl /etc/secrets/open")
	await(t, a, executed("/usr/bin/nl"))
}

// runInCgroup runs a program in a new cgroup and removes it.
func runInCgroup(t *testing.T, dir, program string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cgroup, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer cgroup.Close()
	cmd := exec.CommandContext(t.Context(), program)
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(cgroup.Fd())}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
}
