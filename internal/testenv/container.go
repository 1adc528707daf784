package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ContainerSpec describes a container to run. The zero value of everything but ID and
// Image is useful.
type ContainerSpec struct {
	ID    string
	Image string   // reference of an imported image
	Args  []string // in place of the image's entrypoint
	// Pod and Name label the container as Kubernetes would, in the namespace
	// "default". Empty means the ID.
	Pod, Name string
	// Flags are more flags of `ctr run`.
	Flags []string
}

// Container is a running container. It has a network namespace of its own with
// nothing but a loopback device.
type Container struct {
	ID   string
	PID  int // of its first process, on the host
	Log  string
	host *Containerd
	seq  int // of the next exec
}

// Run starts a container and returns when its first process runs.
func (c *Containerd) Run(ctx context.Context, spec ContainerSpec) (*Container, error) {
	pidFile, logFile := c.path(spec.ID+".pid"), c.path(spec.ID+".log")
	args := []string{
		"run", "--detach", "--allow-new-privs",
		"--pid-file", pidFile,
		"--log-uri", "file://" + logFile,
		"--cgroup", "/" + c.cgroup + "/" + spec.ID,
		"--label", "io.cri-containerd.kind=container",
		"--label", "io.kubernetes.pod.namespace=default",
		"--label", "io.kubernetes.pod.uid=" + spec.ID,
		"--label", "io.kubernetes.pod.name=" + orElse(spec.Pod, spec.ID),
		"--label", "io.kubernetes.container.name=" + orElse(spec.Name, spec.ID),
	}
	args = append(args, spec.Flags...)
	args = append(args, spec.Image, spec.ID)
	if _, err := c.ctr(ctx, append(args, spec.Args...)...); err != nil {
		return nil, fmt.Errorf("run container %s: %w", spec.ID, err)
	}
	text, err := os.ReadFile(pidFile)
	if err != nil {
		return nil, fmt.Errorf("run container %s: %w", spec.ID, err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		return nil, fmt.Errorf("run container %s: pid: %w", spec.ID, err)
	}
	return &Container{ID: spec.ID, PID: pid, Log: logFile, host: c}, nil
}

// Exec runs a program in the container from outside, as `kubectl exec` does,
// and returns what it printed.
func (k *Container) Exec(ctx context.Context, args ...string) ([]byte, error) {
	return output(k.host.command(ctx, k.exec(nil, args)...))
}

// ExecTTY is Exec with a terminal, as `kubectl exec -it` does.
func (k *Container) ExecTTY(ctx context.Context, args ...string) ([]byte, error) {
	ctr := k.host.command(ctx, k.exec([]string{"--tty"}, args)...)
	quoted := make([]string, len(ctr.Args))
	for i, a := range ctr.Args {
		quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
	}
	// ctr wants a terminal of its own to pass on; script(1) makes one.
	return output(exec.CommandContext(ctx, "script", "-qec", strings.Join(quoted, " "), "/dev/null"))
}

func (k *Container) exec(flags, args []string) []string {
	k.seq++
	ctr := append([]string{"task", "exec", "--exec-id", "exec" + strconv.Itoa(k.seq)}, flags...)
	return append(append(ctr, k.ID), args...)
}

// Running reports whether the container's first process lives.
func (k *Container) Running() bool { return syscall.Kill(k.PID, 0) == nil }

// Wait waits until the container's first process has ended, and removes the
// container.
func (k *Container) Wait(ctx context.Context) error {
	for k.Running() {
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			return fmt.Errorf("wait for container %s: %w", k.ID, err)
		}
	}
	_, err := k.host.ctr(ctx, "task", "rm", "-f", k.ID)
	_, err2 := k.host.ctr(ctx, "container", "rm", k.ID)
	return errors.Join(err, err2)
}

// Stop asks the container's first process to end, kills it if it has not done
// so after five seconds, and removes the container.
func (k *Container) Stop(ctx context.Context) error {
	if err := syscall.Kill(k.PID, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop container %s: %w", k.ID, err)
	}
	kill := time.AfterFunc(5*time.Second, func() { _ = syscall.Kill(k.PID, syscall.SIGKILL) })
	defer kill.Stop()
	return k.Wait(ctx)
}

// CgroupID returns the id of the container's cgroup, as BPF programs see it.
func (k *Container) CgroupID() (uint64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", k.PID))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return CgroupID(path)
		}
	}
	return 0, fmt.Errorf("cgroup of pid %d: no version 2 hierarchy in %q", k.PID, text)
}

// Root returns a path on the host that leads to the container's files while it
// runs.
func (k *Container) Root(path string) string {
	return filepath.Join("/proc", strconv.Itoa(k.PID), "root", path)
}

func output(cmd *exec.Cmd) ([]byte, error) {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return out, fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, out)
	}
	return out, nil
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
