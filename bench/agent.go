package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// agentConfig has the agent take the bench's cgroups for workloads, and touch
// nothing outside of its state directory.
const agentConfig = `stateDir: %s
containerd: {sockets: []}
cgroups: {patterns: ["/` + cgroupPrefix + `*"]}
learning: {window: %s}
profiles: {directory: ""}
alerts: {output: json}
sensor: {pinPath: ""}
http: {listen: ""}
`

// An agent is the real one, in a process of its own, its stdout a pipe.
type agent struct {
	cmd     *exec.Cmd
	dir     string
	alerts  chan arrival
	reading sync.WaitGroup

	mu       sync.Mutex
	messages map[string]int // of its log, with how often each was told
}

// arrival is when an alert of an open was read.
type arrival struct {
	path string
	time int64 // ns of the monotonic clock
}

// startAgent builds the agent and starts it. It returns when the agent watches.
func startAgent(window time.Duration) (a *agent, err error) {
	dir, err := os.MkdirTemp("", "bobwatch-bench-")
	if err != nil {
		return nil, err
	}
	a = &agent{dir: dir, alerts: make(chan arrival, 4096), messages: map[string]int{}}
	if err := a.start(window); err != nil {
		return nil, errors.Join(fmt.Errorf("start agent: %w", err), a.stop())
	}
	return a, nil
}

func (a *agent) start(window time.Duration) error {
	binary := filepath.Join(a.dir, "agent")
	build := exec.Command("go", "build", "-tags", "grpcnotrace", "-ldflags", "-s -w", "-o", binary, "bobwatch/cmd/agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w: %s", err, out)
	}
	config := filepath.Join(a.dir, "config.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, agentConfig, a.dir, window), 0o600); err != nil {
		return err
	}
	cmd := exec.Command(binary, "-config", config)
	stdout, err1 := cmd.StdoutPipe()
	stderr, err2 := cmd.StderrPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		return err
	}
	a.cmd = cmd
	a.reading.Go(func() { a.readAlerts(stdout) })
	a.reading.Go(func() { a.readLog(stderr) })
	return a.await("attached", 1)
}

func (a *agent) readAlerts(stdout io.Reader) {
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		now := monotonicTime()
		var alert struct {
			Deviation struct{ Open struct{ Path string } }
		}
		if json.Unmarshal(line, &alert) == nil && alert.Deviation.Open.Path != "" {
			a.alerts <- arrival{alert.Deviation.Open.Path, now}
		}
	}
}

func (a *agent) readLog(stderr io.Reader) {
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		var entry struct{ Level, Msg string }
		if json.Unmarshal(lines.Bytes(), &entry) != nil || entry.Level == "error" {
			fmt.Fprintln(os.Stderr, "agent:", lines.Text())
		}
		a.mu.Lock()
		a.messages[entry.Msg]++
		a.mu.Unlock()
	}
}

// await waits until the agent has logged a message so many times.
func (a *agent) await(message string, times int) error {
	const limit = 30 * time.Second
	got := 0
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		a.mu.Lock()
		got = a.messages[message]
		a.mu.Unlock()
		if got >= times {
			return nil
		}
	}
	return fmt.Errorf("agent logged %q %d times within %s, want %d", message, got, limit, times)
}

// residentBytes returns how much memory the agent occupies, and how much of it
// is not backed by its binary.
func (a *agent) residentBytes() (total, anonymous int64, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(status)) {
		var kB int64
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kB); err == nil {
			total = kB << 10
		}
		if _, err := fmt.Sscanf(line, "RssAnon: %d kB", &kB); err == nil {
			anonymous = kB << 10
		}
	}
	return total, anonymous, nil
}

// stop ends the agent and removes what it left.
func (a *agent) stop() error {
	var err error
	if a.cmd != nil {
		err = a.cmd.Process.Signal(syscall.SIGTERM)
		a.reading.Wait()
		err = errors.Join(err, a.cmd.Wait())
	}
	return errors.Join(err, os.RemoveAll(a.dir))
}
