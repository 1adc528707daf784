package record

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/testenv"
)

// compared is a command line with processes, pipes and files to write, whose
// system calls are the same every time.
func compared(dir string) []string {
	return []string{"/bin/sh", "-c", "cat /etc/passwd /nonexistent | sort >" + dir + "/sorted; cp " + dir + "/sorted " + dir + "/copy; rm " + dir + "/copy; exit 0"}
}

// facts are what two tools should agree on.
type facts struct {
	Calls []string
	Files []string // path and access
}

func sortedKeys(m map[string]bool) []string { return slices.Sorted(maps.Keys(m)) }

// run runs a command line with the programs' environment and returns what it
// wrote to standard error.
func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Env, cmd.Stderr = environment, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v: %s", cmd, err, &stderr)
	}
	return stderr.String()
}

var (
	straceResumed = regexp.MustCompile(`^\d+ +<\.\.\. \w+ resumed>(.*)`)
	straceCall    = regexp.MustCompile(`^\d+ +([a-z0-9_]+)\(`)
	// straceOpen finds the flags of an open and, with -y, the path behind the
	// descriptor it returned.
	straceOpen = regexp.MustCompile(`^\d+ +open(?:at|at2)?\(.*?(O_RDONLY|O_WRONLY|O_RDWR|O_PATH)[^)]*\) += \d+<([^>]*)>`)
)

// straced returns what strace says of the command.
func straced(t *testing.T, dir string) facts {
	t.Helper()
	log := filepath.Join(t.TempDir(), "strace")
	run(t, exec.CommandContext(t.Context(), "strace", append([]string{"-f", "-y", "-o", log}, compared(dir)...)...))
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	calls, files, execs := map[string]bool{}, map[string]bool{}, 0
	for _, line := range joined(string(text)) {
		if m := straceCall.FindStringSubmatch(line); m != nil {
			calls[m[1]] = true
			if m[1] == "execve" {
				execs++
			}
		}
		if m := straceOpen.FindStringSubmatch(line); m != nil {
			files[m[2]+" "+m[1]] = true
		}
	}
	if execs < 2 {
		delete(calls, "execve") // the first is whoever starts the command
	}
	return facts{sortedKeys(calls), sortedKeys(files)}
}

// joined returns the lines of a log with the two halves of each call that
// another process's came in between put together.
func joined(log string) []string {
	var lines []string
	halves := map[string]string{} // by pid
	for line := range strings.Lines(log) {
		pid, _, _ := strings.Cut(line, " ")
		if half, ok := strings.CutSuffix(line, " <unfinished ...>\n"); ok {
			halves[pid] = half
			continue
		}
		if m := straceResumed.FindStringSubmatch(line); m != nil {
			line = halves[pid] + m[1]
			delete(halves, pid)
		}
		lines = append(lines, line)
	}
	return append(lines, slices.Collect(maps.Values(halves))...)
}

// traced returns what bobctl trace says of it.
func traced(t *testing.T, dir string) facts {
	t.Helper()
	log := filepath.Join(t.TempDir(), "trace")
	run(t, bobctl(t, append([]string{"trace", "-o", "json", "--out", log, "--"}, compared(dir)...)...))
	file, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	calls, files := map[string]bool{}, map[string]bool{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var news struct{ Kind, Syscall, Path, Access string }
		if err := json.Unmarshal(lines.Bytes(), &news); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		switch news.Kind {
		case "syscall":
			calls[news.Syscall] = true
		case "open":
			files[news.Path+" "+news.Access] = true
		}
	}
	return facts{sortedKeys(calls), sortedKeys(files)}
}

// TestTraceAgreesWithStrace wants bobctl trace and strace -f to tell the same
// system calls and files of the same program.
func TestTraceAgreesWithStrace(t *testing.T) {
	testenv.Root(t)
	testenv.Command(t, "strace")
	dir := t.TempDir()
	want, got := straced(t, dir), traced(t, dir)
	if len(want.Calls) < 20 || len(want.Files) < 5 {
		t.Fatalf("strace told %d calls and %d files", len(want.Calls), len(want.Files))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-strace +bobctl trace):\n%s", diff)
	}
}

// counted are system calls whose number does not depend on timing.
func counted(counts map[string]uint64) map[string]uint64 {
	for _, name := range []string{
		"execve",                // the first is whoever starts the command
		"rt_sigreturn", "wait4", // a child may end before its parent waits
		"brk", "mmap", "munmap", "read", // what a pipe holds when it is read
		"restart_syscall", "exit_group", "exit",
	} {
		delete(counts, name)
	}
	return counts
}

// TestSummaryAgreesWithStrace wants the same counts, of errors too.
func TestSummaryAgreesWithStrace(t *testing.T) {
	testenv.Root(t)
	testenv.Command(t, "strace")
	dir := t.TempDir()
	log := filepath.Join(dir, "strace")
	run(t, exec.CommandContext(t.Context(), "strace", append([]string{"-f", "-c", "-o", log}, compared(dir)...)...))
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	want, wantErrors := map[string]uint64{}, map[string]uint64{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 5 || strings.HasPrefix(fields[0], "-") || fields[len(fields)-1] == "total" || fields[0] == "%" {
			continue
		}
		name := fields[len(fields)-1]
		if want[name], err = strconv.ParseUint(fields[3], 10, 64); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if len(fields) == 6 {
			if wantErrors[name], err = strconv.ParseUint(fields[4], 10, 64); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
	}

	summary := filepath.Join(dir, "summary")
	run(t, bobctl(t, append([]string{"summary", "-o", "json", "--out", summary, "--"}, compared(dir)...)...))
	if text, err = os.ReadFile(summary); err != nil {
		t.Fatal(err)
	}
	var summaries []struct {
		Syscalls []struct {
			Name          string
			Count, Errors uint64
		}
	}
	if err := json.Unmarshal(text, &summaries); err != nil || len(summaries) != 1 {
		t.Fatalf("%d summaries, %v", len(summaries), err)
	}
	got, gotErrors := map[string]uint64{}, map[string]uint64{}
	for _, call := range summaries[0].Syscalls {
		got[call.Name] = call.Count
		if call.Errors > 0 {
			gotErrors[call.Name] = call.Errors
		}
	}
	if len(want) < 20 || len(wantErrors) == 0 {
		t.Fatalf("strace counted %v and the errors %v", want, wantErrors)
	}
	if diff := cmp.Diff(counted(want), counted(got)); diff != "" {
		t.Errorf("calls (-strace +bobctl summary):\n%s", diff)
	}
	if diff := cmp.Diff(counted(wantErrors), counted(gotErrors)); diff != "" {
		t.Errorf("errors (-strace +bobctl summary):\n%s", diff)
	}
}

// TestSlowdown prints how much longer a program of many system calls takes
// under each tool.
func TestSlowdown(t *testing.T) {
	testenv.Root(t)
	testenv.Command(t, "strace")
	const calls = 100_000
	// The shell's own clock leaves out what a tool needs to get ready.
	timed := []string{"/bin/bash", "-c", fmt.Sprintf("TIMEFORMAT='elapsed %%R'; time dd if=/dev/zero of=/dev/null bs=1 count=%d 2>/dev/null", calls/2)}
	log := filepath.Join(t.TempDir(), "log")
	tools := []struct {
		name string
		cmd  *exec.Cmd
	}{
		{"alone", exec.CommandContext(t.Context(), timed[0], timed[1:]...)},
		{"bobctl trace", bobctl(t, append([]string{"trace", "--out", log, "--"}, timed...)...)},
		{"bobctl summary", bobctl(t, append([]string{"summary", "--out", log, "--"}, timed...)...)},
		{"strace -f", exec.CommandContext(t.Context(), "strace", append([]string{"-f", "-o", log}, timed...)...)},
	}
	var alone float64
	for _, tool := range tools {
		_, elapsed, ok := strings.Cut(run(t, tool.cmd), "elapsed ")
		if !ok {
			t.Fatalf("%s: no time", tool.name)
		}
		elapsed, _, _ = strings.Cut(elapsed, "\n")
		seconds, err := strconv.ParseFloat(elapsed, 64)
		if err != nil {
			t.Fatal(err)
		}
		if alone == 0 {
			alone = max(seconds, 0.001)
		}
		t.Logf("%d system calls, %-14s %7.3f s, %6.1f times as long", calls, tool.name, seconds, seconds/alone)
	}
}
