// Package record runs bobctl as its users do: it records programs of Debian and
// holds them to what came of it, and compares what it tells with strace.
package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"bobwatch/internal/testenv"
	"bobwatch/test/workloads"
)

// environment is what programs get, recorded and confined: as little as can be.
var environment = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/nonexistent"}

// bobctlDir is where bobctl was built.
var bobctlDir string

var buildBobctl = sync.OnceValue(func() error {
	program, err := workloads.Build(context.Background(), "./cmd/bobctl")
	if err != nil {
		return err
	}
	if bobctlDir, err = os.MkdirTemp("", "bobwatch-record-"); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(bobctlDir, "bobctl"), program, 0o755)
})

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(bobctlDir)
	os.Exit(code)
}

// bobctl returns the command of a command line.
func bobctl(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	testenv.Root(t)
	if err := buildBobctl(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(bobctlDir, "bobctl"), args...)
	cmd.Env = environment
	// It ends in good order, and with it what it has started.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 20 * time.Second
	return cmd
}

// job is one run of a program, watched or confined.
type job struct {
	cmd    *exec.Cmd
	output bytes.Buffer
	done   chan struct{}
	err    error // of its end, once done is closed
}

func start(cmd *exec.Cmd) (*job, error) {
	j := &job{cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &j.output, &j.output
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(j.done)
		j.err = cmd.Wait()
	}()
	return j, nil
}

// wait waits for the end and returns how it came to it.
func (j *job) wait() error {
	<-j.done
	if j.err != nil {
		return fmt.Errorf("%w: %s", j.err, j.output.Bytes())
	}
	return nil
}

// work has a program do its work in a job: a tool until it ends, a server for
// some rounds, after which stop ends it.
func (p *program) work(ctx context.Context, j *job, at place, rounds int, stop func() error) error {
	if p.use == nil {
		return errors.Join(j.wait(), p.check(at.dir))
	}
	err := p.await(ctx, j, at.port)
	for round := 0; err == nil && round < rounds; round++ {
		err = p.use(ctx, at.port)
		time.Sleep(200 * time.Millisecond)
	}
	if err != nil {
		_ = stop() // it may have ended
		<-j.done
		return fmt.Errorf("%w: %s", err, j.output.Bytes())
	}
	if err := stop(); err != nil {
		return err
	}
	return j.wait()
}

// await waits until a server answers.
func (p *program) await(ctx context.Context, j *job, port int) error {
	for deadline := time.Now().Add(15 * time.Second); ; {
		err := p.use(ctx, port)
		if err == nil {
			return nil
		}
		select {
		case <-j.done:
			return errors.New("it has ended")
		case <-time.After(50 * time.Millisecond):
			if time.Now().After(deadline) {
				return fmt.Errorf("wait for %s: %w", p.name, err)
			}
		}
	}
}

// place is where a program works.
type place struct {
	dir  string
	port int
}

// newPlace makes a directory for a program and finds a free port.
func newPlace(t *testing.T, p *program) place {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	at := place{dir: t.TempDir(), port: l.Addr().(*net.TCPAddr).Port}
	if p.prepare != nil {
		if err := p.prepare(at.dir, at.port); err != nil {
			t.Fatal(err)
		}
	}
	return at
}

// record records a program at its work and returns the path of its document.
func record(t *testing.T, p *program) string {
	t.Helper()
	at := newPlace(t, p)
	document := filepath.Join(t.TempDir(), "bob.yaml")
	args := append([]string{"record", "-o", document, "--"}, p.args(at.dir, at.port)...)
	j, err := start(bobctl(t, args...))
	if err != nil {
		t.Fatal(err)
	}
	stop := func() error { return j.cmd.Process.Signal(syscall.SIGINT) }
	if err := p.work(t.Context(), j, at, 3, stop); err != nil {
		t.Fatalf("record: %v", err)
	}
	return document
}

// seccomp returns the seccomp profile of a document.
func seccomp(t *testing.T, document string) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd := bobctl(t, "convert", document, "--to", "seccomp", "--families", "--runtime")
	cmd.Stderr = &stderr
	profile, err := cmd.Output()
	if err != nil {
		t.Fatalf("convert: %v: %s", err, &stderr)
	}
	return profile
}

// recordTwice records a program two times and merges the documents, as one does
// with a program whose calls depend a little on timing.
func recordTwice(t *testing.T, p *program) string {
	t.Helper()
	merged := filepath.Join(t.TempDir(), "merged.yaml")
	if out, err := bobctl(t, "merge", record(t, p), record(t, p), "--out", merged).CombinedOutput(); err != nil {
		t.Fatalf("merge: %v: %s", err, out)
	}
	return merged
}

// TestRecordedProfilesHold records ten programs, and runs each again under a
// seccomp profile of what was recorded, which kills it at any other call. It
// does the same, and without one of the calls it cannot.
func TestRecordedProfilesHold(t *testing.T) {
	testenv.Root(t)
	testenv.Command(t, "runc")
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			testenv.Command(t, p.name)
			profile := killing(t, seccomp(t, recordTwice(t, &p)))
			if err := confine(t, &p, profile); err != nil {
				t.Errorf("under its own profile: %v", err)
			}
			if err := confine(t, &p, without(t, profile, p.needs)); err == nil {
				t.Errorf("it does without %s, so that its profile proves nothing", p.needs)
			}
		})
	}
}

// TestUnrecordedCallIsRefused gives a recorded program something else to do.
func TestUnrecordedCallIsRefused(t *testing.T) {
	testenv.Root(t)
	testenv.Command(t, "runc")
	idle := program{
		name:  "perl",
		args:  func(dir string, _ int) []string { return []string{"perl", "-e", "print 'idle'", dir} },
		check: func(string) error { return nil },
	}
	profile := seccomp(t, record(t, &idle))
	if err := confine(t, &idle, profile); err != nil {
		t.Fatalf("under its own profile: %v", err)
	}
	attack := idle
	attack.args = func(dir string, _ int) []string {
		return []string{"perl", "-e", `mkdir shift . "/made" or die "mkdir: $!"`, dir}
	}
	attack.check = exists("made")
	if err := confine(t, &attack, nil); err != nil {
		t.Fatalf("without a profile: %v", err)
	}
	if err := confine(t, &attack, profile); err == nil || !bytes.Contains([]byte(err.Error()), []byte("mkdir: Operation not permitted")) {
		t.Errorf("mkdir under the profile of a program that makes no directories: %v, want that it is not permitted", err)
	}
}
