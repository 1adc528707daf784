package kubernetes

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bobwatch/internal/alert"
)

// TestBobctl does with bobctl what a customer does with it on a day: puts a
// document into force, has one refused, sees what deviates, accepts it, takes
// the document out of force.
func TestBobctl(t *testing.T) {
	l := newLab(t)
	signed := l.vendorDocument(t)
	vendor := filepath.Join(l.dir, "vendor")
	w := l.newWebapp(t, "day")

	w.expect(t, 0, "agents, 2 of 2 ready", "status")
	w.expect(t, 0, "is in force on 2 nodes", "install", signed, "--key", vendor+".pub", "--name", document, "--yes")
	w.expect(t, 0, "is installed already", "install", signed, "--key", vendor+".pub", "--name", document, "--yes")
	w.mustBeRefused(t, signed)
	w.mustMiss(t, signed)
	w.expect(t, 0, "on 2 nodes", "status")

	w.deploy(t, 2, withoutWindow)
	w.load(t)
	w.expect(t, 0, "guarded", "status")
	follower := w.follow(t)
	for _, p := range w.pods(t) {
		w.inject(t, p, "nl /etc/hosts")
	}
	w.mustAccept(t, filepath.Join(l.dir, "vendor.key"))
	follower.mustHaveSeen(t, "/usr/bin/nl")

	w.expect(t, 0, "is out of force on 2 nodes", "uninstall", document, "--yes")
	w.expect(t, 0, "is not installed", "uninstall", document, "--yes")
}

// mustBeRefused installs a document that the user trusts and the agents do not.
func (w *webapp) mustBeRefused(t *testing.T, signed string) {
	t.Helper()
	stranger := filepath.Join(t.TempDir(), "stranger")
	text, err := os.ReadFile(signed)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(stranger+".yaml", text, 0o600); err != nil {
		t.Fatal(err)
	}
	w.expect(t, 0, "keep it", "key", "generate", stranger)
	w.expect(t, 0, "wrote", "sign", stranger+".yaml", "--key", stranger+".key")
	args := []string{"install", stranger + ".yaml", "--key", stranger + ".pub", "--name", "stranger", "--yes"}
	w.expect(t, 3, "profiles.trust.authorities", args...)
	w.expect(t, 3, "nowhere", "status")
	w.expect(t, 0, "is out of force on 2 nodes", "uninstall", "stranger", "--yes")
}

// mustMiss wants an agent that does not answer told, and not waited for for ever.
func (w *webapp) mustMiss(t *testing.T, signed string) {
	t.Helper()
	a := w.agentOn(t, w.Nodes[1].Name)
	if err := syscall.Kill(a.pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	goOn := func() { syscall.Kill(a.pid, syscall.SIGCONT) }
	defer goOn()
	install := []string{"install", signed, "--key", filepath.Join(w.dir, vendorPub), "--name", "late", "--yes", "--timeout"}
	w.expect(t, 1, "1 node of 2 did not take it in within 3s", append(install, "3s")...)
	w.expect(t, 3, "agents, 1 of 2 ready", "status")
	goOn()
	w.expect(t, 0, "is in force on 2 nodes", append(install, "30s")...)
	w.expect(t, 0, "is out of force on 2 nodes", "uninstall", "late", "--yes")
}

// mustAccept waits until the injected command is one incident on both nodes,
// accepts all that was told of it, and does it again in silence.
func (w *webapp) mustAccept(t *testing.T, key string) {
	t.Helper()
	var lines string
	eventually(t, "incident on both nodes", func() error {
		lines = w.expect(t, 0, "", "alerts", "--logs", "-o", "json", "--workload", w.namespace+"/Deployment/webapp")
		for line := range strings.Lines(lines) {
			var incident struct {
				alert.Alert
				Nodes, Pods []string
			}
			if err := json.Unmarshal([]byte(line), &incident); err != nil {
				return err
			}
			if e := incident.Deviation.Exec; e != nil && e.Path == "/usr/bin/nl" && len(incident.Nodes) == 2 && len(incident.Pods) == 2 {
				return nil
			}
		}
		return errors.New("not in:\n" + lines)
	})
	w.expect(t, 0, "unexpected process /usr/bin/nl", "alerts", "--logs")
	w.expect(t, 0, "", "alerts", "--logs", "--since", "1ms")
	eventually(t, "incident in the history of the agents", func() error {
		if out := w.expect(t, 0, "", "alerts"); !strings.Contains(out, "/usr/bin/nl") {
			return errors.New("not in:\n" + out)
		}
		return nil
	})

	cmd := w.command(t, "allow", "--alert", "-", "--apply", "--key", key)
	cmd.Stdin = strings.NewReader(lines)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !strings.Contains(string(out), "is in force on 2 nodes") {
		t.Fatalf("accept alerts: %v", err)
	}
	mark := w.alerts.mark()
	for _, p := range w.pods(t) {
		w.inject(t, p, "nl /etc/hosts")
	}
	w.silent(t, mark, w.namespace)
}

// command returns a command line of bobctl for the namespace.
func (w *webapp) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	if args[0] != "key" && args[0] != "sign" && args[0] != "allow" {
		args = append(args, "--namespace", w.namespace)
	}
	cmd := exec.CommandContext(t.Context(), w.lab.bobctl, args...)
	cmd.Env = append(os.Environ(), noPass, "KUBECONFIG="+w.Kubeconfig)
	return cmd
}

// expect runs bobctl, which has to end with a code and say something. It
// returns its standard output.
func (w *webapp) expect(t *testing.T, code int, want string, args ...string) string {
	t.Helper()
	cmd := w.command(t, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code || !strings.Contains(out.String()+errs.String(), want) {
		t.Fatalf("bobctl %s: got exit code %d and\n%s%s\nwant %d and %q", strings.Join(args, " "), got, out.String(), errs.String(), code, want)
	}
	t.Logf("$ bobctl %s\n%s%s", strings.Join(args, " "), out.String(), errs.String())
	return out.String()
}

// follower is a bobctl alerts --follow.
type follower struct {
	cmd   *exec.Cmd
	lines chan string // closed when it has ended
}

func (w *webapp) follow(t *testing.T) *follower {
	t.Helper()
	f := &follower{cmd: w.command(t, "alerts", "--logs", "--follow", "--since", "1s"), lines: make(chan string, 10_000)}
	out, err := f.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(f.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			f.lines <- s.Text()
		}
	}()
	return f
}

// mustHaveSeen waits for a line, and ends the follower as ctrl-C does.
func (f *follower) mustHaveSeen(t *testing.T, text string) {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for seen := false; !seen; {
		select {
		case line, ok := <-f.lines:
			if !ok {
				t.Fatalf("bobctl alerts --follow ended: %v", f.cmd.Wait())
			}
			seen = strings.Contains(line, text)
		case <-timeout:
			t.Fatalf("bobctl alerts --follow does not tell of %s", text)
		}
	}
	if err := f.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for range f.lines { // until it has ended
	}
	if err := f.cmd.Wait(); err != nil {
		t.Errorf("bobctl alerts --follow, interrupted: %v", err)
	}
}
