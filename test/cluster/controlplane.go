package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"bobwatch/internal/testenv"
)

// ControlPlane is an etcd and a kube-apiserver of one's own. Nothing acts on
// what it stores: pods are not scheduled, owners' deletion deletes no one,
// service accounts are not demanded, and a namespace never ends.
type ControlPlane struct {
	// Kubeconfig is the path of a cluster administrator's kubeconfig.
	Kubeconfig string

	place     Place
	dir       string
	programs  string // directory of Kubernetes
	server    string // host:port
	store     string // etcd's URL
	start     func(dir, name string, cmd *exec.Cmd) (*daemon, error)
	etcd      *daemon
	apiServer *daemon
	flags     []string // of the API server, beside the usual ones
	authority *authority
}

// NewControlPlane starts a control plane for a test, and ends it with the test.
// It takes some three seconds and needs no root.
func NewControlPlane(t testing.TB) *ControlPlane {
	t.Helper()
	testenv.Command(t, "etcd")
	c, err := StartControlPlane(t.Context(), t.TempDir(), testenv.Tool(t, "kubernetes.sh"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close control plane: %v", err)
		}
	})
	return c
}

// StartControlPlane starts a control plane on loopback ports of its own, with
// its files in dir and the programs that test/tools/kubernetes.sh tells. It
// ends with this process, if it is not closed before.
func StartControlPlane(ctx context.Context, dir, programs string) (*ControlPlane, error) {
	c := &ControlPlane{
		dir:      dir,
		programs: programs,
		start: func(dir, name string, cmd *exec.Cmd) (*daemon, error) {
			return startDaemon(dir, name, withParent(cmd))
		},
		// What makes service accounts is not there.
		flags: []string{"--disable-admission-plugins=ServiceAccount"},
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	if err := c.up(ctx, address); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Close ends both servers.
func (c *ControlPlane) Close() error { return errors.Join(c.apiServer.kill(), c.etcd.kill()) }

// Config returns the configuration of a client that may do all, without the
// limits that client-go would set for it.
func (c *ControlPlane) Config() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig: %w", err)
	}
	config.QPS = -1
	return config, nil
}

// User returns the path of a kubeconfig for a client of its own, who is in the
// group, such as system:masters.
func (c *ControlPlane) User(name, group string) (string, error) {
	return c.authority.kubeconfig("https://"+c.server, name, name, group)
}

// up makes the keys and starts both servers.
func (c *ControlPlane) up(ctx context.Context, server string) (err error) {
	c.server = server
	host, _, err := net.SplitHostPort(server)
	if err != nil {
		return err
	}
	if c.authority, err = newAuthority(c.dir); err != nil {
		return err
	}
	err = errors.Join(
		c.authority.issue("apiserver", "kube-apiserver", "",
			host, "127.0.0.1", c.place.apiService(), "kubernetes", "kubernetes.default", "kubernetes.default.svc"),
		c.authority.issue("kubelet-client", "kube-apiserver-kubelet-client", "system:masters"),
		c.authority.issue("service-accounts", "service-accounts", ""),
	)
	if err != nil {
		return err
	}
	if c.Kubeconfig, err = c.authority.kubeconfig("https://"+server, "admin", "admin", "system:masters"); err != nil {
		return err
	}
	if err := c.startEtcd(); err != nil {
		return err
	}
	return c.StartAPIServer(ctx)
}

func (c *ControlPlane) startEtcd() error {
	client, err := freeAddress()
	if err != nil {
		return err
	}
	peer, err := freeAddress()
	if err != nil {
		return err
	}
	c.store = "http://" + client
	c.etcd, err = c.start(c.dir, "etcd", exec.Command("etcd",
		"--name=bobwatch", "--data-dir="+filepath.Join(c.dir, "etcd"),
		"--listen-client-urls="+c.store, "--advertise-client-urls="+c.store,
		"--listen-peer-urls=http://"+peer, "--initial-advertise-peer-urls=http://"+peer,
		"--initial-cluster=bobwatch=http://"+peer, "--log-level=warn"))
	return err
}

// StartAPIServer starts the API server, also after StopAPIServer, and returns
// when it is ready. It then has the address and the data that it had.
func (c *ControlPlane) StartAPIServer(ctx context.Context) error {
	host, port, err := net.SplitHostPort(c.server)
	if err != nil {
		return err
	}
	a := c.authority
	cmd := exec.Command(filepath.Join(c.programs, "kube-apiserver"), append([]string{
		"--etcd-servers=" + c.store,
		"--bind-address=" + host, "--advertise-address=" + host, "--secure-port=" + port,
		"--tls-cert-file=" + a.certFile("apiserver"), "--tls-private-key-file=" + a.keyFile("apiserver"),
		"--client-ca-file=" + a.certFile("ca"),
		"--kubelet-certificate-authority=" + a.certFile("ca"),
		"--kubelet-client-certificate=" + a.certFile("kubelet-client"),
		"--kubelet-client-key=" + a.keyFile("kubelet-client"),
		"--kubelet-preferred-address-types=InternalIP",
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + a.keyFile("service-accounts"),
		"--service-account-signing-key-file=" + a.keyFile("service-accounts"),
		"--service-cluster-ip-range=" + c.place.services(), "--endpoint-reconciler-type=lease",
	}, c.flags...)...)
	if c.apiServer, err = c.start(c.dir, "kube-apiserver", cmd); err != nil {
		return err
	}
	config, err := c.Config()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return c.apiServer.wait(ctx, func(ctx context.Context) error {
		_, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err
	})
}

// StopAPIServer kills the API server, as a test of an outage does.
func (c *ControlPlane) StopAPIServer() error { return c.apiServer.kill() }

// LogFile returns the path of a log: etcd, kube-apiserver or, in a cluster,
// audit, which has what the service accounts asked of the API server.
func (c *ControlPlane) LogFile(name string) string { return filepath.Join(c.dir, name+".log") }

// freeAddress returns a loopback address that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}
