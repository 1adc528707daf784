package cluster

import (
	"context"
	_ "embed" // the files that make a node
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"bobwatch/internal/testenv"
	"bobwatch/test/workloads"
)

// Node is a node: a containerd, a kubelet and a kube-proxy in namespaces of
// their own.
type Node struct {
	Name       string
	Address    string
	Containerd string // path of the socket, on the machine
	Logs       string // path of its /var/log, on the machine

	number  int
	dir     string
	cluster *Cluster
	holder  *daemon // of the namespaces
}

func newNode(c *Cluster, number int) *Node {
	name := "node" + strconv.Itoa(number)
	dir := filepath.Join(c.dir, name)
	return &Node{
		Name:       name,
		Address:    c.place.nodeAddress(number),
		Containerd: containerdSocket(dir),
		Logs:       filepath.Join(dir, "log"),
		number:     number,
		dir:        dir,
		cluster:    c,
	}
}

// pauseReference names the image of the process that holds a pod's namespaces.
const pauseReference = "localhost/pause:1"

// pauseImage builds that image.
func pauseImage(ctx context.Context) (testenv.Image, error) {
	program, err := workloads.Build(ctx, "./test/cluster/pause")
	return testenv.Image{
		Ref:        pauseReference,
		Files:      []testenv.File{{Path: "/pause", Mode: 0o755, Data: program}},
		Entrypoint: []string{"/pause"},
	}, err
}

// startRuntime makes the node's namespaces and starts containerd in them.
func (n *Node) startRuntime(ctx context.Context, pause testenv.Image) error {
	for _, name := range []string{"lib", "log", "run", "sysctl", "cni"} {
		if err := os.MkdirAll(filepath.Join(n.dir, name), 0o755); err != nil {
			return err
		}
	}
	err := errors.Join(n.writeConfig(n.dir, "containerd.toml"), n.writeConfig(n.path("cni"), "bridge.conflist"))
	if err != nil {
		return err
	}
	if err := n.hold(ctx); err != nil {
		return err
	}
	if err := n.connect(ctx); err != nil {
		return fmt.Errorf("connect %s: %w", n.Name, err)
	}
	containerd, err := n.start("containerd", "containerd", "-c", n.path("containerd.toml"))
	if err != nil {
		return err
	}
	err = containerd.wait(ctx, func(ctx context.Context) error {
		return run(ctx, "ctr", "-a", n.Containerd, "version")
	})
	if err != nil {
		return err
	}
	return testenv.Import(ctx, n.Containerd, pause)
}

//go:embed node.sh
var holderScript string

// hold starts the process that has the node's namespaces.
func (n *Node) hold(ctx context.Context) (err error) {
	cmd := exec.Command("sh", "-c", holderScript, "node.sh", n.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS}
	if n.holder, err = n.cluster.start(n.dir, "namespaces", cmd); err != nil {
		return err
	}
	return n.holder.wait(ctx, func(context.Context) error {
		_, err := os.Stat(n.path("ready"))
		return err
	})
}

// connect links the node to the bridge, and tells the others where its pods
// are.
func (n *Node) connect(ctx context.Context) error {
	pid := strconv.Itoa(n.holder.cmd.Process.Pid)
	place := n.cluster.place
	link := place.bridge() + "n" + strconv.Itoa(n.number)
	steps := [][]string{
		{"ip", "link", "add", link, "master", place.bridge(), "up", "type", "veth", "peer", "name", "eth0", "netns", pid},
		n.inside("ip", "addr", "add", n.Address+"/24", "dev", "eth0"),
		n.inside("ip", "link", "set", "eth0", "up"),
		n.inside("ip", "route", "add", "default", "via", place.address(1)),
		{"ip", "route", "add", place.nodePods(n.number), "via", n.Address},
	}
	for _, other := range n.cluster.Nodes {
		if other != n {
			steps = append(steps, n.inside("ip", "route", "add", place.nodePods(other.number), "via", other.Address))
		}
	}
	for _, step := range steps {
		if err := run(ctx, step[0], step[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// startKubelet starts what makes a node of a container runtime.
func (n *Node) startKubelet() error {
	if _, err := testenv.MakeCgroup(n.cgroup()); err != nil {
		return err
	}
	a, server := n.cluster.authority, "https://"+n.cluster.server
	if err := a.issue(n.Name+"-server", n.Name, "", n.Name, n.Address); err != nil {
		return err
	}
	_, err := a.kubeconfig(server, n.Name, "system:node:"+n.Name, "system:nodes")
	if err != nil {
		return err
	}
	if _, err := a.kubeconfig(server, n.Name+"-proxy", "system:kube-proxy", ""); err != nil {
		return err
	}
	if err := errors.Join(n.writeConfig(n.dir, "kubelet.yaml"), n.writeConfig(n.dir, "kube-proxy.yaml")); err != nil {
		return err
	}
	_, err = n.start("kubelet", filepath.Join(n.cluster.Programs, "kubelet"), "--config="+n.path("kubelet.yaml"),
		"--kubeconfig="+filepath.Join(a.dir, n.Name+".kubeconfig"),
		"--hostname-override="+n.Name, "--node-ip="+n.Address)
	if err != nil {
		return err
	}
	_, err = n.start("kube-proxy", filepath.Join(n.cluster.Programs, "kube-proxy"), "--config="+n.path("kube-proxy.yaml"))
	return err
}

// wait waits until the node is ready.
func (n *Node) wait(ctx context.Context) error {
	config, err := n.cluster.Config()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	return n.holder.wait(ctx, func(ctx context.Context) error {
		node, err := client.CoreV1().Nodes().Get(ctx, n.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, c := range node.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
				return nil
			}
		}
		return fmt.Errorf("%s is not ready; its kubelet's log ends: %s", n.Name, tail(n.path("kubelet.log")))
	})
}

// inside returns a command line that runs args in the node's namespaces.
func (n *Node) inside(args ...string) []string {
	pid := strconv.Itoa(n.holder.cmd.Process.Pid)
	return append([]string{"nsenter", "--target", pid, "--net", "--mount", "--"}, args...)
}

func (n *Node) start(name string, args ...string) (*daemon, error) {
	args = n.inside(args...)
	return n.cluster.start(n.dir, name, exec.Command(args[0], args[1:]...))
}

func (n *Node) path(name string) string { return filepath.Join(n.dir, name) }

func (n *Node) cgroup() string { return n.cluster.place.cgroup() + "/" + n.Name }
