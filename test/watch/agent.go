// Package watch runs the agent as its users do, as a program of its own, and
// reads what it says. The demo and the end-to-end tests share it.
package watch

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"bobwatch/internal/alert"
)

// Seen is an alert and when its line arrived.
type Seen struct {
	alert.Alert
	At   time.Time
	Line string
}

// Agent is a running agent.
type Agent struct {
	config Config
	cmd    *exec.Cmd
	done   chan struct{} // closed when its output ended
	ended  bool          // by Stop or Kill

	mu     sync.Mutex
	seen   []Seen
	broken []string      // lines that are no alerts
	news   chan struct{} // closed, and made anew, when seen grows
}

// Start starts the agent, a program, in a directory that it may have run in
// before. It returns before the agent watches; see Ready.
func Start(program string, c Config) (*Agent, error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(c.Dir, "agent.yaml")
	if err := os.WriteFile(path, []byte(c.YAML()), 0o600); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(c.Dir, "agent.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(program, "-config", path)
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a ctrl-C is for the caller
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start agent: %w", err)
	}
	a := &Agent{config: c, cmd: cmd, done: make(chan struct{}), news: make(chan struct{})}
	go a.read(stdout)
	return a, nil
}

func (a *Agent) read(r io.Reader) {
	defer close(a.done)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		s := Seen{At: time.Now(), Line: lines.Text()}
		err := json.Unmarshal(lines.Bytes(), &s.Alert)
		a.mu.Lock()
		if err != nil {
			a.broken = append(a.broken, lines.Text())
		} else {
			a.seen = append(a.seen, s)
		}
		close(a.news)
		a.news = make(chan struct{})
		a.mu.Unlock()
	}
}

// Alerts returns all alerts so far.
func (a *Agent) Alerts() []Seen {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clip(a.seen)
}

// Await returns the first alert from the one numbered from on that match
// accepts. It returns false if ctx ends first.
func (a *Agent) Await(ctx context.Context, from int, match func(*alert.Alert) bool) (Seen, bool) {
	for {
		a.mu.Lock()
		seen, news := a.seen, a.news
		a.mu.Unlock()
		for ; from < len(seen); from++ {
			if match(&seen[from].Alert) {
				return seen[from], true
			}
		}
		select {
		case <-ctx.Done():
			return Seen{}, false
		case <-a.done:
			return Seen{}, false
		case <-news:
		}
	}
}

// PID is the agent's process.
func (a *Agent) PID() int { return a.cmd.Process.Pid }

// Log returns what the agent has logged.
func (a *Agent) Log() string {
	text, err := os.ReadFile(filepath.Join(a.config.Dir, "agent.log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Stop ends the agent and returns an error if it did not end well, or wrote a
// line that is no alert. It does nothing for one that was ended already.
func (a *Agent) Stop() error {
	if a.ended {
		return nil
	}
	a.ended = true
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop agent: %w", err)
	}
	kill := time.AfterFunc(20*time.Second, func() { _ = a.cmd.Process.Kill() })
	defer kill.Stop()
	<-a.done
	err := a.cmd.Wait()
	if err != nil {
		err = fmt.Errorf("stop agent: %w; its log: %s", err, a.Log())
	}
	for _, line := range a.broken {
		err = errors.Join(err, fmt.Errorf("agent wrote a line that is no alert: %q", line))
	}
	return err
}

// Kill ends the agent without a chance to write anything more.
func (a *Agent) Kill() {
	a.ended = true
	_ = a.cmd.Process.Kill()
	<-a.done
	_ = a.cmd.Wait()
}
