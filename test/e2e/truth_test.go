package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bobwatch/internal/syscalls"
	"bobwatch/internal/testenv"
)

// truthProgram counts the system calls of a container's own processes. It
// shares nothing with the sensor, not even the rule that tells the runtime's
// steps from the container's: it is told which execve begins the workload,
// and follows threads and children from there.
const truthProgram = `
BEGIN { printf("attached\n"); }
tracepoint:sched:sched_process_exec /cgroup != 1 && str(args->filename) == "%s"/ { @native[tid] = 1; }
tracepoint:sched:sched_process_exec /@native[args->old_pid]/ { @native[tid] = 1; @execs[cgroup] = count(); }
tracepoint:sched:sched_process_fork /@native[tid]/ { @native[args->child_pid] = 1; }
tracepoint:raw_syscalls:sys_enter /@native[tid]/ { @calls[cgroup, args->id] = count(); }
tracepoint:sched:sched_process_exit { delete(@native[tid]); }
END { clear(@native); }
`

// truth is what bpftrace saw.
type truth struct {
	calls map[uint64]map[int64]uint64 // by cgroup and number
	execs map[uint64]uint64           // by cgroup
}

// names returns the system calls of a cgroup by name, sorted.
func (tr truth) names(t *testing.T, cgroup uint64) []string {
	t.Helper()
	var names []string
	for nr := range tr.calls[cgroup] {
		name, ok := syscalls.Name(runtime.GOARCH, uint32(nr))
		if !ok {
			t.Fatalf("no name for system call %d", nr)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// watchTruth starts to count for the workload that begins with the execution
// of entrypoint, and returns a function that ends it.
func watchTruth(t *testing.T, entrypoint string) (end func() truth) {
	t.Helper()
	bpftrace := testenv.Command(t, "bpftrace")
	cmd := exec.CommandContext(t.Context(), bpftrace, "-f", "json", "-e", fmt.Sprintf(truthProgram, entrypoint))
	cmd.Env = append(os.Environ(), "BPFTRACE_MAP_KEYS_MAX=65536", "BPFTRACE_MAX_MAP_KEYS=65536")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 16<<20)
	attached := false
	for !attached && lines.Scan() {
		attached = strings.Contains(lines.Text(), `attached\n`)
	}
	if !attached {
		t.Fatalf("bpftrace did not attach: %s", &stderr)
	}
	return func() truth {
		t.Helper()
		// It reads its maps once more after the signal.
		time.Sleep(100 * time.Millisecond)
		defer interrupt(cmd.Process)()
		tr := truth{calls: map[uint64]map[int64]uint64{}, execs: map[uint64]uint64{}}
		for lines.Scan() {
			tr.add(t, lines.Bytes())
		}
		if err := cmd.Wait(); err != nil {
			t.Fatalf("bpftrace: %v: %s", err, &stderr)
		}
		return tr
	}
}

// interrupt sends SIGINT until the function it returns is called: bpftrace
// misses one that comes between two waits.
func interrupt(process *os.Process) (stop func()) {
	done := make(chan struct{})
	go func() {
		for {
			_ = process.Signal(syscall.SIGINT) // an error says that it has ended
			select {
			case <-done:
				return
			case <-time.After(2 * time.Second):
			}
		}
	}()
	return func() { close(done) }
}

// add takes in one line of bpftrace's output, such as
// {"type": "map", "data": {"@calls": {"42,0": 7}}}.
func (tr truth) add(t *testing.T, line []byte) {
	t.Helper()
	var out struct {
		Type string
		Data map[string]map[string]uint64
	}
	if json.Unmarshal(line, &out) != nil || out.Type != "map" {
		return
	}
	for key, count := range out.Data["@calls"] {
		left, right, _ := strings.Cut(key, ",")
		cgroup, err := strconv.ParseUint(left, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		nr, err := strconv.ParseInt(right, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if tr.calls[cgroup] == nil {
			tr.calls[cgroup] = map[int64]uint64{}
		}
		tr.calls[cgroup][nr] = count
	}
	for key, count := range out.Data["@execs"] {
		cgroup, err := strconv.ParseUint(key, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		tr.execs[cgroup] = count
	}
}
