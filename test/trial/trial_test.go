// Package trial holds real workloads to documents with bobctl test.
package trial

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bobwatch/internal/report"
	"bobwatch/internal/testenv"
	"bobwatch/test/workloads"
)

// bobctl is the program, built once.
var bobctl string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "bobwatch-trial-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		bobctl = filepath.Join(dir, "bobctl")
		build := exec.Command("go", "build", "-tags", "grpcnotrace", "-o", bobctl, "bobwatch/cmd/bobctl")
		if out, err := build.CombinedOutput(); err != nil {
			panic(string(out))
		}
		return m.Run()
	}())
}

// run runs bobctl and returns its exit code and what it wrote to standard
// output. It fails on any code but those.
func run(t *testing.T, want int, args ...string) string {
	t.Helper()
	out, complaint, code := try(t.Context(), args...)
	if code != want {
		t.Fatalf("bobctl %q: exit code %d, want %d\n%s%s", args, code, want, out, complaint)
	}
	return out
}

func try(ctx context.Context, args ...string) (out, complaint string, code int) {
	cmd := exec.CommandContext(ctx, bobctl, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return stdout.String(), stderr.String(), exit.ExitCode()
	}
	if err != nil {
		return "", err.Error(), -1
	}
	return stdout.String(), stderr.String(), 0
}

func parse(t *testing.T, text string) *report.Report {
	t.Helper()
	r := new(report.Report)
	if err := json.Unmarshal([]byte(text), r); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return r
}

// has reports whether a deviation has such an act, done by a chain that ends
// with the programs.
func has(r *report.Report, act string, programs ...string) bool {
	return slices.ContainsFunc(r.Deviations(), func(d report.Deviation) bool {
		return strings.HasPrefix(d.Act, act) && slices.ContainsFunc(d.Actors, func(a report.Actor) bool {
			chain := a.Chain[max(0, len(a.Chain)-len(programs)):]
			for i := range chain {
				if chain[i].Exe != programs[i] {
					return false
				}
			}
			return len(chain) == len(programs)
		})
	})
}

// TestCommand records a script, holds it to what was recorded, and then another
// one that does more.
func TestCommand(t *testing.T) {
	testenv.Root(t)
	dir := t.TempDir()
	document, patch, page := filepath.Join(dir, "bob.yaml"), filepath.Join(dir, "patch.yaml"), filepath.Join(dir, "report.html")
	benign := []string{"--", "sh", "-c", "cat /etc/hosts; sleep 0.2"}
	run(t, 0, append([]string{"record", "--out", document}, benign...)...)
	test := func(want int, args ...string) string {
		t.Helper()
		return run(t, want, append([]string{"test", document, "-o", "json", "--for", "30s"}, args...)...)
	}

	r := parse(t, test(0, benign...))
	if r.Verdict != report.Passed || len(r.Containers) != 1 || len(r.Containers[0].Unused) > 3 {
		t.Errorf("what was recorded: %s %+v", r.Verdict, r.Containers)
	}
	if used := r.Containers[0].Usage[report.Execs]; used.Used == 0 || used.Used != used.Listed {
		t.Errorf("executions made use of: %+v", used)
	}

	more := []string{"--", "sh", "-c", "cat /etc/hosts; cat /etc/shadow; sleep 0.2"}
	r = parse(t, test(3, append([]string{"--patch", patch, "--html", page}, more...)...))
	if r.Verdict != report.Deviated || !has(r, "read of /etc/shadow", "/usr/bin/dash", "/usr/bin/cat") {
		t.Errorf("more than was recorded: %s %+v", r.Verdict, r.Groups)
	}
	if text, err := os.ReadFile(page); err != nil || !bytes.Contains(text, []byte("/etc/shadow")) {
		t.Errorf("page: %v", err)
	}
	r = parse(t, test(0, append([]string{"--baseline", patch}, more...)...))
	if r.Verdict != report.Passed {
		t.Errorf("with the patch: %s %+v", r.Verdict, r.Groups)
	}
}

func TestNothingObservedIsNoPass(t *testing.T) {
	testenv.Root(t)
	dir := t.TempDir()
	document := filepath.Join(dir, "bob.yaml")
	run(t, 0, "record", "--out", document, "--", "true")
	for name, args := range map[string][]string{
		"no such container": {"--container", "no-such-container", "--containerd", "/nonexistent"},
		"no such program":   {"--", "/nonexistent"},
	} {
		if out, _, code := try(t.Context(), append([]string{"test", document}, args...)...); code != 1 || strings.Contains(out, "PASSED") {
			t.Errorf("%s: exit code %d: %s", name, code, out)
		}
	}
}

// TestContainer tests a web application in a container: benign load passes, and
// what is injected through its page is reported with the chain of processes.
// With BOBWATCH_REPORT the reports stay in that directory.
func TestContainer(t *testing.T) {
	testenv.Root(t)
	containerd := testenv.NewContainerd(t)
	base, err := testenv.Debian(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	app := workloads.Webapp(base)
	if err := containerd.Import(t.Context(), app.Image); err != nil {
		t.Fatal(err)
	}
	w := &webapp{containerd: containerd, Workload: app, dir: os.Getenv("BOBWATCH_REPORT")}
	if w.dir == "" {
		w.dir = t.TempDir()
	}
	w.start(t)

	document := filepath.Join(w.dir, "webapp.yaml")
	w.whileLoaded(t, nil, func() {
		run(t, 0, "record", "--containerd", containerd.Address, "--container", "webapp", "--for", "20s", "--out", document)
	})

	r := w.test(t, 0, "passed", document, nil)
	if r.Verdict != report.Passed || len(r.Instances) != 1 {
		t.Errorf("benign load: %s, %d instances", r.Verdict, len(r.Instances))
	}
	r = w.test(t, 3, "deviated", document, []string{"127.0.0.1; cat /etc/shadow", "127.0.0.1; id", "127.0.0.1; cp /bin/dash /tmp/apache2; /tmp/apache2 -c true"})
	if r.Verdict != report.Deviated || !has(r, "execution of /usr/bin/id", "/usr/bin/dash", "/usr/bin/id") {
		t.Errorf("attacks: %s %+v", r.Verdict, r.Groups)
	}
	if !has(r, "execution of /tmp/apache2") {
		t.Errorf("a copied shell: %+v", r.Groups)
	}
	if title := r.Groups[0].Title; !strings.HasPrefix(title, "What ") {
		t.Errorf("the attacks are not grouped by what brought them in: %s", title)
	}
}

// webapp is the application with the page that pings.
type webapp struct {
	containerd *testenv.Containerd
	workloads.Workload
	container *testenv.Container
	dir       string
	round     int
}

func (w *webapp) start(t *testing.T) {
	t.Helper()
	k, err := workloads.Start(t.Context(), w.containerd, w.Workload, testenv.ContainerSpec{ID: "webapp"})
	if err != nil {
		t.Fatal(err)
	}
	w.container = k
	t.Cleanup(func() {
		if err := k.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// whileLoaded does something while clients visit the application, and some of
// them attack it once.
func (w *webapp) whileLoaded(t *testing.T, attacks []string, do func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	loaded := make(chan error, 1)
	go func() {
		for i := 0; ctx.Err() == nil; i++ {
			w.round++
			if err := w.Load(ctx, w.container, w.round); err != nil && ctx.Err() == nil {
				loaded <- err
				return
			}
			if i%6 == 4 && len(attacks) > 0 { // bobctl watches by then
				if _, err := workloads.Ping(ctx, w.container, attacks[0]); err != nil && ctx.Err() == nil {
					loaded <- err
					return
				}
				attacks = attacks[1:]
			}
			time.Sleep(time.Second)
		}
		loaded <- nil
	}()
	do()
	stop()
	if err := <-loaded; err != nil {
		t.Error(err)
	}
}

func (w *webapp) test(t *testing.T, want int, name, document string, attacks []string) (r *report.Report) {
	t.Helper()
	w.whileLoaded(t, attacks, func() {
		r = parse(t, run(t, want, "test", document, "--containerd", w.containerd.Address, "--container", "webapp",
			"--for", "40s", "-o", "json", "--html", filepath.Join(w.dir, name+".html"), "--junit", filepath.Join(w.dir, name+".xml")))
	})
	return r
}
