package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// daemon is a server process that was started here. Its output goes to a file.
type daemon struct {
	name  string
	log   string
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended
}

// startDaemon starts cmd, which logs to NAME.log in dir. Where cmd asks for a
// signal at its parent's death, the parent is this process and not, as the
// kernel has it, the thread that made the child.
func startDaemon(dir, name string, cmd *exec.Cmd) (*daemon, error) {
	d := &daemon{name: name, log: filepath.Join(dir, name+".log"), cmd: cmd, ended: make(chan struct{})}
	log, err := os.OpenFile(d.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = log, log
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer log.Close()
		defer close(d.ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return d, nil
}

// kill kills the process and waits for its end. Nothing that the tests start
// has state worth a graceful stop, which costs the API server a quarter of a
// minute.
func (d *daemon) kill() error {
	if d == nil {
		return nil
	}
	err := d.cmd.Process.Kill()
	<-d.ended
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// wait calls ready until it returns nil, the daemon ends or ctx does.
func (d *daemon) wait(ctx context.Context, ready func(context.Context) error) error {
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
			continue
		case <-ctx.Done():
		case <-d.ended:
		}
		return fmt.Errorf("wait for %s: %w; its log ends: %s", d.name, err, tail(d.log))
	}
}

// tail returns the last lines of a log, for an error.
func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// withParent makes the process end when this one does, however it does.
func withParent(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	return cmd
}
