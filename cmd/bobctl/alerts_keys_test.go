package main

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/profile"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
	"bobwatch/internal/testenv"
)

// fakeAgent answers with incidents at a Unix socket. What an agent answers is
// tested with the agent; here it is about keys.
type fakeAgent struct {
	address string
	mu      sync.Mutex
	told    []alert.Alert
}

func newFakeAgent(t *testing.T, told ...alert.Alert) *fakeAgent {
	t.Helper()
	a := &fakeAgent{told: told}
	path := filepath.Join(t.TempDir(), "s")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	a.address = "unix:" + path
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, i := range a.told {
			_ = json.NewEncoder(w).Encode(i)
		}
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() { server.Close(); <-served })
	return a
}

func (a *fakeAgent) tell(i alert.Alert) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.told = append(a.told, i)
}

// toldIncident is that somebody ran a shell.
func toldIncident(id string, grade severity.Severity, message string) alert.Alert {
	now := time.Now()
	a := alert.Alert{
		Schema: 1, ID: id, Incident: id, Fingerprint: id, Rule: rule.UnexpectedProcess, Severity: grade, Message: message,
		Count: 3, First: now.Add(-time.Minute), Last: now, Node: "node1",
		Deviation: alert.Deviation{Exec: &alert.Exec{Path: "/bin/dash"}},
		Story: &alert.Story{
			Entry: "through apache2, the container's own process", Processes: []string{"apache2 > sh"}, Rules: []rule.ID{rule.UnexpectedProcess},
			Timeline: []alert.Act{{Rule: rule.UnexpectedProcess, Severity: grade, Message: message, Count: 3, First: now}},
			Advice:   alert.Advice{Means: "It ran a shell."},
		},
		Allow: &alert.Allowance{
			Workload:  profile.Workload{Namespace: "shop", Kind: "Deployment", Name: "web"},
			Container: profile.Container{Name: "web", Execs: []profile.Exec{{Path: "/bin/dash", Args: []string{"sh", "-c", "id"}}}},
		},
	}
	a.Workload = alert.Workload{Namespace: "shop", Kind: "Deployment", Name: "web"}
	a.Container.Name = "web"
	return a
}

// screen is a terminal of tmux's, which nobody sees.
type screen struct {
	t      *testing.T
	socket string
}

func newScreen(t *testing.T, dir string, command ...string) *screen {
	t.Helper()
	testenv.Command(t, "tmux")
	s := &screen{t, filepath.Join(t.TempDir(), "tmux")}
	args := append([]string{"-f", "/dev/null", "new-session", "-d", "-x", "110", "-y", "32", "-c", dir}, command...)
	s.tmux(args...)
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", s.socket, "kill-server").Run() })
	return s
}

func (s *screen) tmux(args ...string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), "tmux", append([]string{"-u", "-S", s.socket}, args...)...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %s: %v: %s", args[0], err, out)
	}
	return string(out)
}

// shows waits until the screen has all texts.
func (s *screen) shows(texts ...string) string {
	s.t.Helper()
	var text string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		text = s.tmux("capture-pane", "-p")
		missing := false
		for _, want := range texts {
			missing = missing || !strings.Contains(text, want)
		}
		if !missing {
			return text
		}
	}
	s.t.Fatalf("the screen does not show %q:\n%s", texts, text)
	return ""
}

func (s *screen) keys(keys ...string) {
	s.t.Helper()
	s.tmux(append([]string{"send-keys"}, keys...)...)
}

// By keys alone: see what comes, the worst first; open, accept, silence and
// copy an incident; quit. Hostile names are text.
func TestAlertsByKeys(t *testing.T) {
	testenv.Command(t, "tmux")
	hostile := toldIncident("bbbbbbbbbbbbbbbb", severity.High, "ran \x1b[2J\x1b]0;owned\x07</td>\u202egnp"+strings.Repeat("x", 5000))
	agent := newFakeAgent(t, toldIncident("aaaaaaaaaaaaaaaa", severity.Medium, "unexpected process /bin/dash launched by apache2"), hostile)
	dir := t.TempDir()
	s := newScreen(t, dir, filepath.Join(buildBobctl(t), "bobctl"), "alerts", "--agent", agent.address)

	text := s.shows("2 incidents", "HIGH     bbbbbbbb", `ran \u001b[2J\u001b]0;owned\u0007</td>\u202egnpx`, "MEDIUM   aaaaaaaa")
	if strings.Index(text, "bbbbbbbb") > strings.Index(text, "aaaaaaaa") {
		t.Errorf("the worst is not first:\n%s", text)
	}
	agent.tell(toldIncident("cccccccccccccccc", severity.Critical, "unexpected read of /etc/shadow by cat"))
	text = s.shows("3 incidents", "CRITICAL cccccccc", "❯ ")
	if !strings.Contains(lineWith(text, "❯"), "bbbbbbbb") {
		t.Errorf("the selection moved from what it was on:\n%s", text)
	}

	s.keys("Down", "Enter")
	s.shows("incident aaaaaaaaaaaaaaaa", "came in   through apache2", "goes on   yes", "accept    bobctl alerts show aaaaaaaa")
	s.keys("a")
	s.shows("accept incident aaaaaaaa", "+ /bin/dash: sh -c id", "Write it? (y/n)")
	if _, err := os.Stat(filepath.Join(dir, allowanceFile)); err == nil {
		t.Error("it was written before the answer")
	}
	s.keys("n")
	s.shows("incident aaaaaaaaaaaaaaaa")
	s.keys("a")
	s.shows("Write it?")
	s.keys("y")
	s.shows("written to " + allowanceFile)
	if text := mustRead(t, filepath.Join(dir, allowanceFile)); !strings.Contains(text, "/bin/dash") || !strings.Contains(text, `bobwatch/allowance: "true"`) {
		t.Errorf("the allowance:\n%s", text)
	}
	s.keys("a")
	s.shows("allows all of it already")
	s.keys("n")
	s.shows("incident aaaaaaaaaaaaaaaa")

	s.keys("s")
	s.shows("A silence needs a reason.", "[7 days]")
	s.keys("Enter") // is not enough
	s.keys("-l", "backup job")
	s.keys("Tab")
	s.shows("[30 days]", "backup job")
	before := time.Now()
	s.keys("Enter")
	s.shows("Next: put its entries")
	silences := mustRead(t, filepath.Join(dir, "silences.yaml"))
	expires := func(from time.Time) string {
		return `path: "/bin/dash", reason: "backup job", expires: ` + from.Add(30*24*time.Hour).UTC().Format(time.DateOnly)
	}
	if !strings.Contains(silences, expires(before)) && !strings.Contains(silences, expires(time.Now())) {
		t.Errorf("the silences:\n%s\nlack %s", silences, expires(before))
	}

	s.keys("c")
	s.shows("the story is in the clipboard")
	s.keys("Escape")
	s.shows("3 incidents")
	s.keys("q")
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if exec.Command("tmux", "-S", s.socket, "has-session").Run() != nil {
			return
		}
	}
	t.Error("q does not end it")
}

// lineWith returns the line of text that has a mark.
func lineWith(text, mark string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, mark) {
			return line
		}
	}
	return ""
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// In a pipe an incident is a line, and as JSON what the agent wrote.
func TestAlertsInAPipe(t *testing.T) {
	agent := newFakeAgent(t, toldIncident("aaaaaaaaaaaaaaaa", severity.Medium, "unexpected process\x1b[2J"))
	out := succeed(t, "", "alerts", "--agent", agent.address)
	if !strings.HasSuffix(out, "MEDIUM   aaaaaaaa shop/Deployment/web/web unexpected process\\u001b[2J [goes on, 3 acts]\n") {
		t.Errorf("lines: %q", out)
	}
	lines := succeed(t, "", "alerts", "--agent", agent.address, "-o", "json")
	for _, args := range [][]string{{"alerts", "show", "aaaa", "--from", "-"}, {"alerts", "--from", "-"}} {
		if out := succeed(t, lines, args...); !strings.Contains(out, "shop/Deployment/web/web") {
			t.Errorf("bobctl %q of the export: %q", args, out)
		}
	}
	t.Chdir(t.TempDir())
	show := succeed(t, "", "alerts", "show", "aaaaaaaaaaaaaaaa", "--agent", agent.address, "-o", "json")
	if out := succeed(t, show, "allow", "--alert", "-"); !strings.Contains(out, "exec /bin/dash: sh -c id") {
		t.Errorf("accepting: %q", out)
	}
	for name, args := range map[string][]string{
		"an unknown id":        {"alerts", "show", "ffff", "--agent", agent.address},
		"no agent":             {"alerts", "--agent", "unix:/nowhere"},
		"logs of one agent":    {"alerts", "--logs", "--agent", agent.address},
		"two sources":          {"alerts", "--from", "x", "--agent", agent.address},
		"show without an id":   {"alerts", "show"},
		"a file without lines": {"alerts", "--from", "/nowhere"},
	} {
		if o := bobctl(t, "", args...); o.code == 0 {
			t.Errorf("%s: exit code 0", name)
		}
	}
}
