package monitoring

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"bobwatch/internal/testenv"
)

// waits are those of the rules: a test has no minutes.
var waits = regexp.MustCompile(`(?m)^(\s+for:) \w+$`)

// hastyRules writes the rules with shorter waits.
func hastyRules(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	hasty := waits.ReplaceAll(text, []byte("$1 1s"))
	file := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(file, hasty, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// countRunTime has the kernel count the run time of BPF programs while the
// test needs it.
func countRunTime(t *testing.T) {
	t.Helper()
	counting, err := ebpf.EnableStats(uint32(unix.BPF_STATS_RUN_TIME))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { counting.Close() })
}

// TestAgentUnderPrometheus is one agent's life: it learns, it alerts, it drops,
// it is blinded, it is killed. Its dashboard and rules tell each of it.
func TestAgentUnderPrometheus(t *testing.T) {
	testenv.Command(t, "prometheus")
	agent := startAgent(t)
	p := startPrometheus(t, agent.address, hastyRules(t))
	guarded := newCgroup(t)
	sh(t, guarded, "cat /etc/hostname >/dev/null")
	eventually(t, "workload is guarded", func() bool {
		n, err := p.series(`bobwatch_containers{state="guarded"} == 1`)
		return err == nil && n == 1
	})
	countRunTime(t)
	learning := newCgroup(t)
	sh(t, guarded, "tac /etc/hostname >/dev/null; cat /etc/passwd >/dev/null")

	if !t.Run("dashboard", func(t *testing.T) { testDashboard(t, p, learning) }) {
		return
	}
	t.Run("rules", func(t *testing.T) { testRules(t, p) })
	t.Run("nothing fires for a healthy agent", func(t *testing.T) {
		for name, alerts := range p.firing(t) {
			t.Errorf("%s fires: %v", name, alerts)
		}
	})
	t.Run("drops", func(t *testing.T) { testDrops(t, p, agent, learning) })
	t.Run("blinded", func(t *testing.T) { testBlinded(t, p, agent) })
	t.Run("killed", func(t *testing.T) {
		if err := agent.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		awaitAlert(t, p, "BobwatchAgentDown", "instance", agent.address)
		awaitAlert(t, p, "BobwatchAgentMissing", "severity", "critical")
	})
	if err := os.RemoveAll(agent.pins); err != nil {
		t.Error(err)
	}
}

// testDashboard sees that each query has data, while a workload learns.
func testDashboard(t *testing.T, p *prometheus, learning string) {
	missing := map[string]string{}
	for _, q := range queries(t) {
		missing[q.expr] = q.panel
	}
	var last error
	eventually(t, "every query has data", func() bool {
		sh(t, learning, "cat /etc/hostname >/dev/null")
		for expr := range missing {
			n, err := p.series(expr)
			if err != nil {
				last = err
				continue
			}
			if n > 0 {
				delete(missing, expr)
			}
		}
		if len(missing) > 0 {
			last = fmt.Errorf("no data for %q", missing)
		}
		return len(missing) == 0
	})
	if t.Failed() {
		t.Error(last)
	}
}

// testRules sees that Prometheus evaluates each rule without an error, and has
// every metric that one of them is about.
func testRules(t *testing.T, p *prometheus) {
	var data struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	if err := p.ask("rules", &data); err != nil {
		t.Fatal(err)
	}
	evaluated := 0
	for _, g := range data.Groups {
		for _, r := range g.Rules {
			evaluated++
			if r.Health != "ok" {
				t.Errorf("%s: %s: %s", r.Name, r.Health, r.LastError)
			}
		}
	}
	if want := len(rules(t)); evaluated != want {
		t.Errorf("%d rules are evaluated, want %d", evaluated, want)
	}
	for _, r := range rules(t) {
		for _, name := range ours.FindAllString(r.Expr, -1) {
			if n, err := p.series("last_over_time(" + name + "[10m])"); err != nil || n == 0 {
				t.Errorf("%s: %d series of %s: %v", r.Alert, n, name, err)
			}
		}
	}
}

// testDrops fills the ring buffer while the agent is held.
func testDrops(t *testing.T, p *prometheus, agent *watcher, cgroup string) {
	files := t.TempDir()
	var script strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&script, ": >%s/%d\n", files, i)
	}
	if err := agent.cmd.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	sh(t, cgroup, script.String())
	if err := agent.cmd.Process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	awaitAlert(t, p, "BobwatchLosingEvents", "instance", agent.address)
}

// testBlinded takes hooks away from outside, as root.
func testBlinded(t *testing.T, p *prometheus, agent *watcher) {
	eventually(t, "agent is ready again", func() bool {
		status, _ := get(agent.address, "/readyz")
		return status == http.StatusOK
	})
	agent.unpin(t, "handle_cgroup_rmdir") // will end with the agent
	awaitAlert(t, p, "BobwatchBlinded", "hook", "handle_cgroup_rmdir")
	awaitAlert(t, p, "BobwatchAgentNotReady", "instance", agent.address)

	agent.unpin(t, "handle_exec")
	fd, id := agent.link(t, "sched_process_exec")
	closeIn(t, agent.cmd.Process.Pid, fd)
	if l, err := link.NewFromID(id); !errors.Is(err, os.ErrNotExist) {
		l.Close()
		t.Fatalf("link %d is not detached: %v", id, err)
	}
	awaitAlert(t, p, "BobwatchBlinded", "hook", "handle_exec")
	if status, body := get(agent.address, "/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "hook handle_exec: look up link") {
		t.Errorf("readyz = %d %q, want 503 with the hook's name", status, body)
	}
}

// awaitAlert waits for an alert with a label.
func awaitAlert(t *testing.T, p *prometheus, name, label, value string) {
	t.Helper()
	eventually(t, name+" fires", func() bool {
		for _, labels := range p.firing(t)[name] {
			if labels[label] == value {
				return true
			}
		}
		return false
	})
}
