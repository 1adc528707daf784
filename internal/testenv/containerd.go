package testenv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// containerdConfig needs the directory twice and the socket once. The CRI
// plugin is off: it would want a pause image and a network.
const containerdConfig = `version = 2
root = "%s/root"
state = "%s/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "%s"
[debug]
  level = "warn"
`

// Namespace is the containerd namespace the private containerd's containers
// live in. It is the one that Kubernetes uses.
const Namespace = "k8s.io"

// Containerd is a containerd of one's own: its root, state and socket lie in a
// directory of its own and its containers in cgroups of its own. It is not
// safe for concurrent use, except for what its containers do.
type Containerd struct {
	// Address is the path of the socket.
	Address string
	dir     string
	cgroup  string // parent of the containers' cgroups, relative to every hierarchy's root
	daemon  *exec.Cmd
}

// NewContainerd starts a private containerd for a test and closes it when the
// test ends.
func NewContainerd(t testing.TB) *Containerd {
	t.Helper()
	Root(t)
	for _, name := range []string{"containerd", "ctr", "runc"} {
		Command(t, name)
	}
	c, err := StartContainerd(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close containerd: %v", err)
		}
	})
	return c
}

// StartContainerd starts a private containerd in a new temporary directory and
// returns when it answers.
func StartContainerd(ctx context.Context) (*Containerd, error) {
	dir, err := os.MkdirTemp("", "bobwatch-")
	if err != nil {
		return nil, err
	}
	c := &Containerd{
		Address: filepath.Join(dir, "containerd.sock"),
		dir:     dir,
		cgroup:  filepath.Base(dir),
	}
	config := fmt.Sprintf(containerdConfig, dir, dir, c.Address)
	if err := os.WriteFile(c.path("config.toml"), []byte(config), 0o600); err != nil {
		return nil, err
	}
	if err := c.Start(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Start starts the daemon after a Stop, with everything that it had.
func (c *Containerd) Start(ctx context.Context) error {
	log, err := os.OpenFile(c.path("containerd.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	daemon := exec.Command("containerd", "-c", c.path("config.toml"))
	daemon.Stdout, daemon.Stderr = log, log
	// A ctrl-C is for the caller, who then stops things in their order.
	daemon.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := daemon.Start(); err != nil {
		return fmt.Errorf("start containerd: %w", err)
	}
	c.daemon = daemon

	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		_, err := c.ctr(ctx, "version")
		if err == nil {
			return nil
		}
		if sleep(ctx, 50*time.Millisecond) != nil {
			text, _ := os.ReadFile(c.path("containerd.log"))
			return fmt.Errorf("wait for containerd: %w; its log: %s", err, text)
		}
	}
}

// Stop ends the daemon. Its containers go on running.
func (c *Containerd) Stop() error {
	if c.daemon == nil {
		return nil
	}
	if err := c.daemon.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop containerd: %w", err)
	}
	var exit *exec.ExitError
	if err := c.daemon.Wait(); err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("stop containerd: %w", err)
	}
	c.daemon = nil
	return nil
}

// Close ends every container and the daemon, and removes all that they left.
func (c *Containerd) Close() error {
	// Not the caller's context: that one may be what ended.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	errs := []error{killCgroups(c.cgroup)}
	if c.daemon != nil {
		ids, err := c.ctr(ctx, "task", "ls", "-q")
		errs = append(errs, err)
		for id := range strings.FieldsSeq(ids) {
			_, err := c.ctr(ctx, "task", "rm", "-f", id)
			errs = append(errs, err)
		}
	}
	errs = append(errs,
		c.Stop(),
		killShims(c.Address),
		removeCgroups(ctx, c.cgroup),
		unmountBelow(c.dir),
		os.RemoveAll(c.dir),
	)
	return errors.Join(errs...)
}

// Import loads images and unpacks them.
func (c *Containerd) Import(ctx context.Context, images ...Image) error {
	return Import(ctx, c.Address, images...)
}

// Import loads images into the containerd at address and unpacks them.
func Import(ctx context.Context, address string, images ...Image) error {
	r, err := Archive(images...)
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := ctrCommand(ctx, address, "image", "import", "-")
	cmd.Stdin = r
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("import images: %w: %s", err, out)
	}
	return nil
}

func (c *Containerd) path(name string) string { return filepath.Join(c.dir, name) }

func (c *Containerd) command(ctx context.Context, args ...string) *exec.Cmd {
	return ctrCommand(ctx, c.Address, args...)
}

func ctrCommand(ctx context.Context, address string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "ctr", append([]string{"-a", address, "-n", Namespace}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// ctr runs one ctr command and returns what it printed.
func (c *Containerd) ctr(ctx context.Context, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := c.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("ctr %s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}

// sleep waits for d or until ctx ends, whose error it then returns.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
