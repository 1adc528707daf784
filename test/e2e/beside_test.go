package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bobwatch/test/workloads"
)

// watching is a command of bobctl that watches the victim beside the agent.
type watching struct {
	cmd  *exec.Cmd
	errs bytes.Buffer
	out  string // file
}

// TestBesideTheAgent watches a guarded container with bobctl's commands, all at
// once. The agent tells its alerts before, with and after them, its programs
// and pins stay what they were, and bobctl sees what the agent does.
func TestBesideTheAgent(t *testing.T) {
	l := newLab(t)
	config := l.config(t, 4*time.Second)
	config.Pin = "/sys/fs/bpf/bobwatch-" + filepath.Base(config.Dir)
	t.Cleanup(func() { os.RemoveAll(config.Pin) }) // after the agent has ended
	a := l.agent(t, config)
	learnVictim(t, l, config)
	k := l.start(t, l.victim, victimSpec("victim-watched"))
	mustTell(t, k, "nl /etc/hostname")
	await(t, a, executed("/usr/bin/nl"))
	pinned := pins(t, config.Pin)

	program := filepath.Join(l.dir, "bobctl")
	tool, err := workloads.Build(t.Context(), "./cmd/bobctl")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, tool, 0o755); err != nil {
		t.Fatal(err)
	}
	watchers := map[string]*watching{}
	for _, command := range [][]string{{"record"}, {"trace", "-o", "json"}, {"summary", "-o", "json"}} {
		w := &watching{out: filepath.Join(config.Dir, command[0])}
		args := append(command, "--out", w.out, "--containerd", l.containerd.Address, "--container", k.ID)
		w.cmd = exec.CommandContext(t.Context(), program, args...)
		w.cmd.Stderr = &w.errs
		if err := w.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		watchers[command[0]] = w
	}
	// trace writes at once, so that it tells when it watches; the others began
	// before it, but may take longer.
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		mustTell(t, k, "cat /tmp/greeting || echo >/tmp/greeting")
		if text, _ := os.ReadFile(watchers["trace"].out); len(text) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("bobctl trace tells nothing: %s", &watchers["trace"].errs)
		}
	}
	time.Sleep(3 * time.Second)
	mustTell(t, k, "tac /etc/hostname")
	await(t, a, executed("/usr/bin/tac"))
	for name, w := range watchers {
		if err := w.cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Errorf("bobctl %s: %v: %s", name, err, &w.errs)
		}
	}
	for name, w := range watchers {
		if err := w.cmd.Wait(); err != nil {
			t.Errorf("bobctl %s: %v: %s", name, err, &w.errs)
		}
		if text, err := os.ReadFile(w.out); err != nil || !strings.Contains(string(text), "/usr/bin/tac") {
			t.Errorf("bobctl %s saw no tac: %s, %v, %s", name, text, err, &w.errs)
		}
	}

	if got := pins(t, config.Pin); !slices.Equal(got, pinned) {
		t.Errorf("pins %q, want those of before %q", got, pinned)
	}
	if err := a.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	mustTell(t, k, "od /etc/hostname")
	await(t, a, executed("/usr/bin/od"))
}

// pins lists what lies below a directory.
func pins(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		names = append(names, path)
		return err
	})
	if err != nil || len(names) < 10 {
		t.Fatalf("the agent pinned %q, %v", names, err)
	}
	return names
}
