// Package cluster runs a real Kubernetes for tests, from test/cluster/hyperkube
// and Debian's packages: a control plane alone, for what only talks to the API,
// or a cluster of nodes.
//
// Invariant: whatever it starts ends, and whatever it makes on the machine is
// removed, at the latest by the next run.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"bobwatch/internal/testenv"
)

// Cluster is a Kubernetes of one or more nodes on this machine.
type Cluster struct {
	*ControlPlane
	Nodes []*Node
	// Programs is the directory of kubectl.
	Programs string

	place   Place
	dir     string
	daemons string // cgroup of version 2
	unlock  func()
}

// Options say what cluster to bring up.
type Options struct {
	Place    Place
	Programs string // directory that test/tools/kubernetes.sh prints
	Nodes    int    // at most MaxNodes
	// Progress is told what comes next.
	Progress func(step string)
}

// MaxNodes is how many nodes a cluster may have. Each takes some 150 MB.
const MaxNodes = 9

// Up brings up a cluster, once nobody else has its place, and returns when its
// nodes are ready. What a run left there that could not close its cluster is
// removed first. Needs root.
func Up(ctx context.Context, o Options) (_ *Cluster, err error) {
	o.Progress("waiting until nobody else has a cluster")
	c := &Cluster{Programs: o.Programs, place: o.Place}
	if c.dir, c.unlock, err = o.Place.claim(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(c.dir, kept)); err == nil {
		c.unlock()
		return nil, errors.New("bring up cluster: there is one already, take it down with: make cluster-down")
	}
	o.Progress("removing what an earlier run left")
	if err := c.place.remove(ctx, c.dir); err != nil {
		c.unlock()
		return nil, err
	}
	c.ControlPlane = &ControlPlane{
		dir:      filepath.Join(c.dir, "control-plane"),
		programs: o.Programs,
		start:    c.start,
		place:    o.Place,
	}
	for i := range o.Nodes {
		c.Nodes = append(c.Nodes, newNode(c, i+1))
	}
	if err := c.up(ctx, o.Progress); err != nil {
		return nil, errors.Join(fmt.Errorf("bring up cluster: %w", err), c.Close())
	}
	return c, nil
}

// Close takes the cluster down.
func (c *Cluster) Close() error {
	defer c.unlock()
	return c.place.remove(context.Background(), c.dir)
}

// kept is the file that says that a cluster is meant to outlive its maker.
const kept = "kept"

// Keep lets the cluster outlive this process, until Down.
func (c *Cluster) Keep() error { return os.WriteFile(filepath.Join(c.dir, kept), nil, 0o600) }

func (c *Cluster) up(ctx context.Context, progress func(string)) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := os.MkdirAll(c.ControlPlane.dir, 0o700); err != nil {
		return err
	}
	var err error
	if c.daemons, err = testenv.MakeCgroup(c.place.cgroup() + "/daemons"); err != nil {
		return err
	}
	if err := c.place.makeNetwork(ctx); err != nil {
		return err
	}
	progress("starting the control plane and containerd")
	pause, err := pauseImage(ctx)
	if err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.startControlPlane(groupCtx) })
	for _, n := range c.Nodes {
		group.Go(func() error { return n.startRuntime(groupCtx, pause) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	progress("starting the nodes")
	for _, n := range c.Nodes {
		if err := n.startKubelet(); err != nil {
			return err
		}
	}
	for _, n := range c.Nodes {
		if err := n.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// startControlPlane starts etcd, the API server and the controllers.
func (c *Cluster) startControlPlane(ctx context.Context) error {
	p := c.ControlPlane
	policy := filepath.Join(p.dir, "audit.yaml")
	if err := os.WriteFile(policy, auditPolicy, 0o600); err != nil {
		return err
	}
	p.flags = []string{"--audit-policy-file=" + policy, "--audit-log-path=" + p.LogFile("audit")}
	if err := p.up(ctx, c.place.apiServer()); err != nil {
		return err
	}
	controllers := map[string][]string{
		"kube-scheduler": nil,
		"kube-controller-manager": {
			"--use-service-account-credentials",
			"--service-account-private-key-file=" + p.authority.keyFile("service-accounts"),
			"--root-ca-file=" + p.authority.certFile("ca"),
		},
	}
	for name, flags := range controllers {
		kubeconfig, err := p.authority.kubeconfig("https://"+p.server, name, "system:"+name, "")
		if err != nil {
			return err
		}
		flags = append(flags, "--kubeconfig="+kubeconfig, "--leader-elect=false", "--secure-port=0")
		if _, err := c.start(p.dir, name, exec.Command(filepath.Join(c.Programs, name), flags...)); err != nil {
			return err
		}
	}
	return nil
}

// start starts a daemon in the cluster's cgroup, by which Down finds it.
func (c *Cluster) start(dir, name string, cmd *exec.Cmd) (*daemon, error) {
	group, err := os.Open(c.daemons)
	if err != nil {
		return nil, err
	}
	defer group.Close()
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setsid = true
	cmd.SysProcAttr.UseCgroupFD = true
	cmd.SysProcAttr.CgroupFD = int(group.Fd())
	return startDaemon(dir, name, cmd)
}

// Kubectl runs kubectl as administrator and returns what it printed.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) (string, error) {
	return c.KubectlInput(ctx, "", args...)
}

// KubectlInput is Kubectl with something to read.
func (c *Cluster) KubectlInput(ctx context.Context, input string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(c.Programs, "kubectl"), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("kubectl %s: %w", strings.Join(args, " "), detail(err))
	}
	return string(out), nil
}

// run runs a command that says something only when it fails.
func run(ctx context.Context, name string, args ...string) error {
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// detail adds what a command printed to its error.
func detail(err error) error {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	return err
}
