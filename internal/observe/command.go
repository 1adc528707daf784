package observe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"bobwatch/internal/event"
	"bobwatch/internal/workload"
)

// How a command is ended that is still running when the observation ends.
const (
	// interruptGrace is for processes that a ctrl-C at the terminal has reached already.
	interruptGrace = time.Second
	// mainGrace is the time for the program to end itself and its children in good
	// order; bobctl observes that too.
	mainGrace = 2 * time.Second
	// restGrace is the same for the processes that it left running.
	restGrace = 3 * time.Second
	// removeGrace is the time for the kernel to remove killed processes.
	removeGrace = 5 * time.Second
	// pollInterval is how often it is looked whether the cgroup is empty.
	pollInterval = 10 * time.Millisecond
)

// command runs a program in a cgroup of its own.
type command struct {
	cmd  *exec.Cmd
	name string
	dir  string // of the cgroup, while there is one
}

// Command returns an Observer of a program that Run starts, and of all its descendants,
// until the last process has ended. If the context of Run ends earlier, Run sends them
// SIGTERM, and kills them if they do not end. The caller must not start cmd;
// afterwards the ProcessState of cmd says how it ended.
func Command(cmd *exec.Cmd) (*Observer, error) {
	return open(&command{cmd: cmd, name: filepath.Base(cmd.Path)})
}

func (c *command) run(ctx context.Context, o *Observer) error {
	if err := o.do(ctx, func() error { return c.watch(o) }); err != nil {
		return err
	}
	if err := c.start(); err != nil {
		return err
	}
	exited := make(chan error, 1)
	go func() { exited <- c.cmd.Wait() }()
	if err := c.wait(ctx); err != nil {
		return err
	}
	var exit *exec.ExitError
	if err := <-exited; err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("wait for %s: %w", c.name, err)
	}
	return nil
}

// watch makes the cgroup. The kernel watches it from then on; it is the
// reading goroutine that makes it, which so knows it before it reads of it.
func (c *command) watch(o *Observer) error {
	dir, id, err := makeCgroup()
	if err != nil {
		return err
	}
	c.dir = dir
	if err := o.sensor.SetPlain(id); err != nil {
		return fmt.Errorf("watch %s: %w", dir, err)
	}
	return o.begin(&Subject{
		StartSeen: true,
		Container: workload.Container{Name: c.name, Owner: workload.Owner{Name: c.name}, CgroupID: id, StartedAt: time.Now()},
	}, nil)
}

// start starts the program right in its cgroup.
func (c *command) start() error {
	dir, err := os.Open(c.dir)
	if err != nil {
		return fmt.Errorf("open cgroup: %w", err)
	}
	defer dir.Close()
	if c.cmd.SysProcAttr == nil {
		c.cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	c.cmd.SysProcAttr.UseCgroupFD, c.cmd.SysProcAttr.CgroupFD = true, int(dir.Fd())
	return c.cmd.Start()
}

// wait waits until the cgroup is empty. When ctx ends it is emptied.
func (c *command) wait(ctx context.Context) error {
	steps := []struct {
		after time.Duration
		do    func() error
	}{
		{interruptGrace, c.terminate},
		{mainGrace, func() error { return terminateAll(c.dir) }},
		{restGrace, func() error { return kill(c.dir) }},
	}
	ended, deadline := ctx.Done(), (<-chan time.Time)(nil)
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		populated, err := isPopulated(c.dir)
		if err != nil || !populated {
			return err
		}
		select {
		case <-ticker.C:
		case <-ended:
			ended, deadline = nil, time.After(steps[0].after)
		case <-deadline:
			if err := steps[0].do(); err != nil {
				return err
			}
			if steps = steps[1:]; len(steps) == 0 {
				deadline = nil // nothing survives the last
				continue
			}
			deadline = time.After(steps[0].after)
		}
	}
}

// created lets go of what others start.
func (c *command) created(_ context.Context, o *Observer, ev *event.Event) {
	o.sensor.Forget(ev.Cgroup)
}

func (c *command) act(*event.Event) {}

func (c *command) removed(o *Observer, cgroup uint64) { o.sensor.Forget(cgroup) }

func (c *command) close() error {
	if c.dir == "" {
		return nil
	}
	return removeCgroup(c.dir)
}

// makeCgroup makes a cgroup below the one of this process, so that the limits of this
// process hold for the program, too.
func makeCgroup() (dir string, id uint64, err error) {
	root, err := workload.CgroupRoot()
	if err != nil {
		return "", 0, err
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", 0, fmt.Errorf("make cgroup: %w", err)
	}
	dir, err = os.MkdirTemp(filepath.Join(root, ownCgroup(own)), "bobctl-")
	if err != nil {
		return "", 0, fmt.Errorf("make cgroup: %w; a command is observed in one of its own, which takes root and a cgroup file system that can be written to", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return "", 0, errors.Join(fmt.Errorf("make cgroup: %w", err), os.Remove(dir))
	}
	return dir, info.Sys().(*syscall.Stat_t).Ino, nil
}

// ownCgroup returns the path in the v2 hierarchy from /proc/self/cgroup.
func ownCgroup(text []byte) string {
	for line := range bytes.Lines(text) {
		if path, ok := bytes.CutPrefix(bytes.TrimSuffix(line, []byte("\n")), []byte("0::")); ok {
			return string(path)
		}
	}
	return "/"
}

// isPopulated reports whether a process lives in the cgroup or below it.
func isPopulated(dir string) (bool, error) {
	events, err := os.ReadFile(filepath.Join(dir, "cgroup.events"))
	if err != nil {
		return false, fmt.Errorf("watch cgroup: %w", err)
	}
	return bytes.Contains(events, []byte("populated 1\n")), nil
}

// terminate asks the program to end, as a service manager would: first it may end its
// children by itself.
func (c *command) terminate() error {
	err := c.cmd.Process.Signal(syscall.SIGTERM)
	if errors.Is(err, os.ErrProcessDone) {
		return terminateAll(c.dir)
	}
	return err
}

// terminateAll asks every process in the cgroup and below it to end.
func terminateAll(dir string) error {
	return eachCgroup(dir, func(dir string) error {
		for _, pid := range workload.Processes(dir) {
			if pid > 1 {
				_ = syscall.Kill(int(pid), syscall.SIGTERM) // an error says that it has ended
			}
		}
		return nil
	})
}

// kill kills every process in the cgroup and below it (Linux 5.14).
func kill(dir string) error {
	if err := os.WriteFile(filepath.Join(dir, "cgroup.kill"), []byte("1"), 0); err != nil {
		return fmt.Errorf("kill cgroup: %w", err)
	}
	return nil
}

// removeCgroup removes the cgroup and those below it, and whatever still runs
// in them.
func removeCgroup(dir string) error {
	if populated, err := isPopulated(dir); err == nil && populated {
		if err := kill(dir); err != nil {
			return err
		}
	}
	var err error
	for deadline := time.Now().Add(removeGrace); time.Now().Before(deadline); time.Sleep(pollInterval) {
		err = eachCgroup(dir, os.Remove)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	return fmt.Errorf("remove cgroup: %w", err)
}

// eachCgroup calls f for the cgroups below dir, the deepest first, and for dir.
func eachCgroup(dir string, f func(dir string) error) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, entry := range entries {
		if entry.IsDir() {
			errs = append(errs, eachCgroup(filepath.Join(dir, entry.Name()), f))
		}
	}
	return errors.Join(append(errs, f(dir))...)
}
