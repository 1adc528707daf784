package record

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bobwatch/internal/profile/documents"
	"bobwatch/internal/testenv"
)

// outcome is what a run of bobctl left behind.
type outcome struct {
	out, errs string
	code      int
}

func finish(t *testing.T, cmd *exec.Cmd) outcome {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// A program has its input, its output and its errors, the document comes behind
// its output, and how it ended is told.
func TestRecordPassesThrough(t *testing.T) {
	cmd := bobctl(t, "record", "--", "sh", "-c", "read line; echo got $line; echo problem >&2; exit 7")
	cmd.Stdin = strings.NewReader("input\n")
	o := finish(t, cmd)
	document, ok := strings.CutPrefix(o.out, "got input\n")
	if !ok {
		t.Fatalf("wrote %q, want the program's output first", o.out)
	}
	if _, err := documents.Parse("stdout", []byte(document)); err != nil {
		t.Errorf("behind it: %v", err)
	}
	if o.code != 3 || !strings.Contains(o.errs, "problem\n") || !strings.Contains(o.errs, "sh: exit status 7") {
		t.Errorf("exit code %d and %q, want 3 and what the program's was", o.code, o.errs)
	}
}

// Whatever ends a recording, the document is written and nothing is left.
func TestRecordEnds(t *testing.T) {
	sleeper := []string{"--", "sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.1; done"}
	tests := map[string]struct {
		flags     []string
		interrupt bool
	}{
		"by time":   {flags: []string{"--for", "500ms"}},
		"by quiet":  {flags: []string{"--until-quiet", "1s"}},
		"by ctrl-C": {interrupt: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "bob.yaml")
			cmd := bobctl(t, append(append([]string{"record", "-o", out}, tt.flags...), sleeper...)...)
			if tt.interrupt {
				stop := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Signal(os.Interrupt) })
				defer stop.Stop()
			}
			o := finish(t, cmd)
			if o.code != 0 || o.out != "ready\n" || !strings.Contains(o.errs, "recorded ") {
				t.Errorf("exit code %d, output %q and %q; want success", o.code, o.out, o.errs)
			}
			text, err := os.ReadFile(out)
			if err != nil || !strings.Contains(string(text), "completeness: complete") {
				t.Errorf("document %s, %v; want a complete one", text, err)
			}
			root, err := testenv.CgroupRoot()
			if err != nil {
				t.Fatal(err)
			}
			if left, _ := filepath.Glob(filepath.Join(root, "bobctl-*")); len(left) > 0 {
				t.Errorf("left %q", left)
			}
		})
	}
}

// Without root it says what it lacks, and starts nothing.
func TestNotRoot(t *testing.T) {
	for _, command := range []string{"record", "trace", "summary"} {
		cmd := bobctl(t, command, "--", "echo", "started")
		if err := os.Chmod(bobctlDir, 0o755); err != nil {
			t.Fatal(err)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if o := finish(t, cmd); o.code != 1 || o.out != "" || !strings.Contains(o.errs, "run as root") {
			t.Errorf("bobctl %s: exit code %d, output %q and %q", command, o.code, o.out, o.errs)
		}
	}
}
