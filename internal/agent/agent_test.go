package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	"golang.org/x/sys/unix"

	"bobwatch/internal/alert"
	"bobwatch/internal/config"
	"bobwatch/internal/learner"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/documents"
	"bobwatch/internal/signature"
	"bobwatch/internal/status"
	"bobwatch/internal/testenv"
	"bobwatch/internal/workload"
)

// patience is how long a test waits for what should come at once.
const patience = time.Minute

// running is an agent in this process, and what it writes.
type running struct {
	t      *testing.T
	config config.Config
	alerts chan alert.Alert
	stop   func()
}

// testConfig watches the cgroups of this test alone.
func testConfig(t *testing.T) config.Config {
	t.Helper()
	testenv.Root(t)
	dir := t.TempDir()
	c := config.Default()
	c.StateDir = filepath.Join(dir, "state")
	c.Containerd.Sockets = []string{}
	c.Cgroups.Patterns = []string{"/" + victimPrefix() + "*"}
	c.Learning.Window = config.Duration(2 * time.Second)
	c.Profiles.Directory = filepath.Join(dir, "profiles")
	c.Sensor.PinPath = ""
	c.HTTP.Listen = "unix:" + filepath.Join(dir, "http")
	return c
}

// start runs an agent until the test ends or stop is called.
func start(t *testing.T, c config.Config) *running {
	t.Helper()
	return startLogged(t, c, zaptest.NewLogger(t))
}

// startLogged is start with a log of the test's own.
func startLogged(t *testing.T, c config.Config, log *zap.Logger) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	r := &running{t: t, config: c, alerts: make(chan alert.Alert, 4096)}
	done := make(chan error, 1)
	go func() {
		err := Run(ctx, c, log, writer, false)
		writer.Close()
		done <- err
	}()
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(reader)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var a alert.Alert
			if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
				t.Errorf("line %q: %v", lines.Text(), err)
				continue
			}
			r.alerts <- a
		}
	}()
	var stopped bool
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		<-read
	}
	t.Cleanup(r.stop)
	eventually(t, "readyz", func() bool { return r.get("/readyz") == "ok\n" })
	return r
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("%s: not within %s", what, patience)
}

// get returns the answer of the agent's HTTP port, or "" if there is none.
func (r *running) get(path string) string {
	socket := strings.TrimPrefix(r.config.HTTP.Listen, "unix:")
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	response, err := client.Get("http://agent" + path)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return ""
	}
	return string(body)
}

// await returns the first alert that match accepts.
func (r *running) await(what string, match func(*alert.Alert) bool) alert.Alert {
	r.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case a := <-r.alerts:
			if match(&a) {
				return a
			}
		case <-timeout:
			r.t.Fatalf("no alert: %s", what)
		}
	}
}

// next returns the next alert, which has to name the marker: a false alert of an
// act before it would have come first.
func (r *running) next(marker string) alert.Alert {
	r.t.Helper()
	a := r.await("any, or of "+marker, func(*alert.Alert) bool { return true })
	if !strings.Contains(a.Message, marker) {
		r.t.Fatalf("false alert before the one of %s: %s", marker, a.Message)
	}
	return a
}

// victimPrefix begins the names of this process's victims.
func victimPrefix() string { return fmt.Sprintf("bobwatch-agent-test-%d-", os.Getpid()) }

// victim is a cgroup that the agent takes for a workload.
type victim struct{ dir string }

func newVictim(t *testing.T) victim {
	t.Helper()
	root := "/sys/fs/cgroup"
	if _, err := os.Stat(root + "/unified/cgroup.procs"); err == nil {
		root += "/unified"
	}
	dir, err := os.MkdirTemp(root, victimPrefix())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	return victim{dir}
}

func (v victim) name() string { return filepath.Base(v.dir) }

// sh runs a script in the cgroup.
func (v victim) sh(t *testing.T, script string) {
	t.Helper()
	fd, err := unix.Open(v.dir, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sh -c %q: %v: %s", script, err, out)
	}
}

// learned waits until the workload is guarded and returns its profile.
func (r *running) learned(v victim) *profile.Profile {
	r.t.Helper()
	var found *profile.Profile
	eventually(r.t, "window ends", func() bool {
		files, err := filepath.Glob(filepath.Join(r.config.StateDir, "profiles", "*.yaml"))
		if err != nil {
			r.t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				continue
			}
			documents, err := documents.Parse(file, text)
			if err != nil {
				r.t.Fatal(err)
			}
			p := documents[0]
			if p.Spec.Workload.Name == v.name() && p.Spec.Provenance.Completeness != profile.Learning {
				found = p
				return true
			}
		}
		return false
	})
	return found
}

func isExec(path string) func(*alert.Alert) bool {
	return func(a *alert.Alert) bool { return a.Deviation.Exec != nil && a.Deviation.Exec.Path == path }
}

func isOpen(path string) func(*alert.Alert) bool {
	return func(a *alert.Alert) bool { return a.Deviation.Open != nil && a.Deviation.Open.Path == path }
}

func resolved(t *testing.T, program string) string {
	t.Helper()
	path, err := filepath.EvalSymlinks(testenv.Command(t, program))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

const benign = "cat /etc/hostname >/dev/null"

func TestLearnThenGuard(t *testing.T) {
	r := start(t, testConfig(t))
	v := newVictim(t)
	v.sh(t, benign)
	p := r.learned(v)
	if got := p.Spec.Provenance; got.From != "start" || got.Completeness != profile.Complete || got.Lost != 0 {
		t.Errorf("provenance = %+v, want complete from the start", got)
	}
	v.sh(t, benign)
	v.sh(t, benign+"; tac /etc/hostname >/dev/null")
	r.next("tac /etc/hostname") // an argument of the shell
	a := r.await("execution of tac", isExec(resolved(t, "tac")))
	if a.Rule.String() != "R0001" || a.Workload.Name != v.name() || a.Allow == nil {
		t.Errorf("alert = %+v, want R0001 of %s with a command that allows it", a, v.name())
	}
	if len(a.Ancestors) != 1 || a.Ancestors[0].Exe != resolved(t, "sh") {
		t.Errorf("ancestors = %+v, want the shell", a.Ancestors)
	}
}

func TestRestartGoesOnGuarding(t *testing.T) {
	c := testConfig(t)
	first := start(t, c)
	v := newVictim(t)
	v.sh(t, benign)
	first.learned(v)
	first.stop()

	second := start(t, c)
	defer second.stop()
	v.sh(t, benign)
	v.sh(t, "tac /etc/hostname >/dev/null")
	second.next("tac /etc/hostname") // an argument of the shell
	second.await("execution of tac in a cgroup that was empty at the start", isExec(resolved(t, "tac")))
}

func TestDeviationsWhileDownAreReported(t *testing.T) {
	c := testConfig(t)
	bpffs := t.TempDir()
	if err := unix.Mount("bpffs", bpffs, "bpf", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(bpffs, 0); err != nil {
			t.Error(err)
		}
	})
	c.Sensor.PinPath = filepath.Join(bpffs, "bobwatch")
	first := start(t, c)
	v := newVictim(t)
	v.sh(t, benign)
	first.learned(v)
	// Something that runs all the time, so that the second agent finds it.
	keeper := keepBusy(t, v)
	first.stop()

	v.sh(t, "tac /etc/hostname >/dev/null")

	second := start(t, c)
	second.await("execution of tac while no agent ran", isExec(resolved(t, "tac")))
	second.stop()
	keeper()
	if err := os.RemoveAll(c.Sensor.PinPath); err != nil {
		t.Error(err)
	}
}

// keepBusy starts a process that stays, and returns what ends it.
func keepBusy(t *testing.T, v victim) func() {
	t.Helper()
	fd, err := unix.Open(v.dir, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	cmd := exec.Command("/bin/cat")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := sync.OnceFunc(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(end)
	return end
}

// write puts a file into the profile directory in one step.
func write(t *testing.T, c config.Config, name, text string) {
	t.Helper()
	if err := os.MkdirAll(c.Profiles.Directory, 0o755); err != nil {
		t.Fatal(err)
	}
	temporary := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(temporary, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temporary, filepath.Join(c.Profiles.Directory, name)); err != nil {
		t.Fatal(err)
	}
}

func TestDocumentGuardsFromTheStart(t *testing.T) {
	c := testConfig(t)
	c.Learning.Window = config.Duration(time.Hour)
	c.Profiles.Trust = signature.Policy{Unsigned: []signature.UnsignedRule{{Namespace: "*", Action: signature.Warn}}}
	v := newVictim(t)
	write(t, c, "web.yaml", `
apiVersion: bobwatch/v1alpha1
kind: BillOfBehavior
metadata: {name: web}
spec:
  workload: {name: `+v.name()+`}
  containers:
  - name: ""
    execs: [{path: /bin/dash}]
`)
	r := start(t, c)
	eventually(t, "document in force", func() bool {
		return strings.Contains(r.get("/metrics"), "bobwatch_documents_in_force 1")
	})
	w := victim{filepath.Join(filepath.Dir(v.dir), v.name())}
	if err := os.Remove(w.dir); err != nil { // a workload of the same name starts
		t.Fatal(err)
	}
	if err := os.Mkdir(w.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	w.sh(t, benign)
	r.await("execution outside of the document", isExec(resolved(t, "cat")))
}

// TestRemovedDocumentLetsLearn: what a document guarded is learned from when the
// document went, not from when the container started.
func TestRemovedDocumentLetsLearn(t *testing.T) {
	c := testConfig(t)
	c.Learning.Window = config.Duration(3 * time.Second)
	c.Profiles.Trust = signature.Policy{Unsigned: []signature.UnsignedRule{{Namespace: "*", Action: signature.Warn}}}
	v := newVictim(t)
	write(t, c, "web.yaml", `
apiVersion: bobwatch/v1alpha1
kind: BillOfBehavior
metadata: {name: web}
spec:
  workload: {name: `+v.name()+`}
  containers:
  - name: ""
    execs: [{path: /bin/dash}, {path: /bin/cat}]
    syscalls: {amd64: [read]}
`)
	r := start(t, c)
	eventually(t, "guarded by the document", func() bool {
		return strings.Contains(r.get("/metrics"), `bobwatch_workloads{state="guarded"} 1`)
	})
	time.Sleep(4 * time.Second) // longer than the window
	if err := os.Remove(filepath.Join(c.Profiles.Directory, "web.yaml")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "learning", func() bool {
		return strings.Contains(r.get("/metrics"), `bobwatch_workloads{state="learning"} 1`)
	})
	v.sh(t, benign+"; tac /etc/hostname >/dev/null")
	p := r.learned(v)
	if !slices.ContainsFunc(p.Spec.Containers[0].Execs, func(e profile.Exec) bool { return e.Path == resolved(t, "tac") }) {
		t.Errorf("execs = %v, want what was executed after the document went", p.Spec.Containers[0].Execs)
	}
}

func TestRepeatsAreCountedOnce(t *testing.T) {
	c := testConfig(t)
	c.Detection.Cooldown = config.Duration(time.Second)
	r := start(t, c)
	v := newVictim(t)
	v.sh(t, benign)
	r.learned(v)
	const calls = 6
	for range calls {
		v.sh(t, benign+"; sync")
	}
	time.Sleep(1500 * time.Millisecond) // the cooldown ends, and the next tells what was held back
	v.sh(t, benign+"; sync")
	want := fmt.Sprintf(`bobwatch_deviations_total{namespace="",rule="R0001",severity="medium",workload=%q} %d`, v.name(), calls+1)
	eventually(t, want, func() bool { return strings.Contains(r.get("/metrics"), want) })
}

func TestRefusedDocumentIsAnAlert(t *testing.T) {
	c := testConfig(t)
	r := start(t, c)
	write(t, c, "web.yaml", "apiVersion: bobwatch/v1alpha1\nkind: BillOfBehavior\nmetadata: {name: web}\nspec: {containers: [{name: web}]}\n")
	a := r.await("unsigned document", func(a *alert.Alert) bool { return a.Rule.String() == "R1016" })
	if !strings.Contains(a.Message, "unsigned") {
		t.Errorf("message %q does not say why", a.Message)
	}
}

func TestMetrics(t *testing.T) {
	c := testConfig(t)
	c.Learning.Window = config.Duration(time.Hour)
	r := start(t, c)
	v := newVictim(t)
	v.sh(t, benign)
	var text string
	eventually(t, "workload counted", func() bool {
		text = r.get("/metrics")
		return strings.Contains(text, `bobwatch_workloads{state="learning"} 1`)
	})
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "bobwatch_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	if got := r.get("/healthz"); got != "ok\n" {
		t.Errorf("healthz = %q", got)
	}
}

// A container that ran before the agent is learned without its start. Its first
// restart is no attack, but what an attacker would do in it still is.
func TestFirstStartAfterwardsIsLearned(t *testing.T) {
	v := newVictim(t)
	stop := keepBusy(t, v)
	r := start(t, testConfig(t))
	p := r.learned(v)
	if got := p.Spec.Provenance; got.From != "attach" || got.Completeness != profile.Partial {
		t.Fatalf("provenance %+v, want a partial profile from the middle", got)
	}
	stop()
	if err := os.Remove(v.dir); err != nil {
		t.Fatal(err)
	}
	eventually(t, "end of the container", func() bool {
		var s status.Status
		return json.Unmarshal([]byte(r.get(status.Path)), &s) == nil && len(s.Workloads) == 0
	})
	for len(r.alerts) > 0 {
		<-r.alerts // how the process that was there ended was never seen either
	}
	if err := os.Mkdir(v.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	const harmless = "cat /etc/shells >/dev/null"
	v.sh(t, harmless)
	a := r.await("/etc/shells, which is new", isOpen("/etc/shells"))
	if !a.New {
		t.Errorf("%s is reported as %s and not as new", a.Message, a.Severity)
	}
	v.sh(t, harmless+"; cat /etc/shadow >/dev/null; sort /etc/hostname >/dev/null")
	for _, want := range []struct {
		what  string
		match func(*alert.Alert) bool
	}{
		{"/etc/shadow in the first start", isOpen("/etc/shadow")},
		{"execution of sort in the first start", isExec(resolved(t, "sort"))},
	} {
		a := r.await(want.what, func(a *alert.Alert) bool {
			if isOpen("/etc/shells")(a) {
				t.Errorf("reported twice: %s", a.Message)
			}
			return want.match(a)
		})
		if a.New {
			t.Errorf("%s was learned", want.what)
		}
	}
	p = r.learned(v)
	if slices.ContainsFunc(p.Spec.Containers[0].Execs, func(e profile.Exec) bool { return e.Path == resolved(t, "sort") }) {
		t.Error("the profile allows a program of the first start")
	}
}

func TestStatus(t *testing.T) {
	c := testConfig(t)
	c.Learning.Window = config.Duration(time.Hour)
	if err := os.MkdirAll(c.Profiles.Directory, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(c.Profiles.Directory, "broken.yaml")
	if err := os.WriteFile(file, []byte("kind: BillOfBehavior\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, c)
	v := newVictim(t)
	v.sh(t, benign)
	var s status.Status
	eventually(t, "workload in the status", func() bool {
		s = status.Status{}
		if err := json.Unmarshal([]byte(r.get(status.Path)), &s); err != nil {
			t.Fatal(err)
		}
		if len(s.Workloads) != 1 {
			return false
		}
		learned := s.Workloads[0].Learned // the records of one script may be read in parts
		return learned.Execs > 0 && learned.Opens > 0 && learned.Syscalls >= 10
	})
	w := s.Workloads[0]
	if w.Name != v.name() || w.State != status.Learning || w.Completeness != profile.Learning || w.Window != 3600 ||
		w.Learned.Syscalls < 10 || w.Learned.Opens == 0 || len(w.Instances) != 1 || w.LastNews.IsZero() {
		t.Errorf("workload %+v, want %s learning", w, v.name())
	}
	if !s.Ready || len(s.Hooks) == 0 || s.Node != c.Node {
		t.Errorf("status %+v, want a ready agent with its hooks", s)
	}
	want := []status.Document{{
		Source: c.Profiles.Directory, Name: "broken", Reason: "parse",
		Digest: s.Documents[0].Digest, Refused: s.Documents[0].Refused,
	}}
	if diff := cmp.Diff(want, s.Documents); diff != "" || s.Documents[0].Refused == "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}

// What nobody has seen for longer than it is kept is forgotten; what runs is
// not, however long ago it changed.
func TestUnseenWorkloadsAreForgotten(t *testing.T) {
	c := testConfig(t)
	if err := os.MkdirAll(c.StateDir, 0o700); err != nil {
		t.Fatal(err)
	}
	v := newVictim(t)
	stop := keepBusy(t, v)
	alive := workload.Key{OwnerKind: workload.KindContainer, OwnerName: v.name(), Container: v.name()}.String()
	journal, err := learner.OpenJournal(filepath.Join(c.StateDir, "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-time.Duration(c.Learning.Keep) - time.Hour)
	for key, seen := range map[string]time.Time{"gone": long, alive: long, "recent": time.Now()} {
		journal.Append(learner.Batch{Key: key, State: learner.State{LastSeen: seen, Guarded: true}})
	}
	if err := journal.Close(); err != nil {
		t.Fatal(err)
	}
	r := start(t, c)
	eventually(t, "adoption", func() bool { return strings.Contains(r.get(status.Path), v.name()) })
	time.Sleep(time.Second)
	r.stop()
	stop()
	journal, err = learner.OpenJournal(filepath.Join(c.StateDir, "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close()
	var got []string
	err = journal.Load(func(key string, state learner.State, _ []learner.Fact) error {
		if time.Since(state.LastSeen) > time.Hour {
			t.Errorf("%s was last seen %s", key, state.LastSeen)
		}
		got = append(got, key)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{alive, "recent"}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
}
