// Package kubernetes installs bobwatch with its Helm chart in a real cluster of
// two nodes, and judges what its users see: alerts in the agents' logs,
// ConfigMaps and Events.
package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/kubernetes"

	"bobwatch/internal/testenv"
	"bobwatch/test/cluster"
	"bobwatch/test/workloads"
)

// lab is what the tests share, because it takes half a minute to make: a
// cluster with the agent in it.
type lab struct {
	*cluster.Cluster
	client *kubernetes.Clientset
	alerts *alerts
	helm   string // programs
	bobctl string
	dir    string // of the vendor's key and of what tests sign
}

const (
	release   = "bobwatch" // and its namespace
	chart     = "../../deploy/helm/bobwatch"
	selector  = "app.kubernetes.io/name=bobwatch,app.kubernetes.io/component=agent"
	nodes     = 2
	noPass    = "COSIGN_PASSWORD="
	vendorPub = "vendor.pub"
	// The customer has a key of their own, which the agents trust too.
	customerPub = "customer.pub"
)

// shared is made by the first test that needs it.
var (
	shared     lab
	makeShared sync.Once
	errShared  error
)

// newLab returns what the tests share, once the machine has all they need.
func newLab(t *testing.T) *lab {
	t.Helper()
	testenv.Root(t)
	for _, name := range []string{"containerd", "ctr", "runc", "etcd", "ip", "nft", "conntrack", "nsenter", "mmdebstrap"} {
		testenv.Command(t, name)
	}
	programs := testenv.Tool(t, "kubernetes.sh")
	shared.helm = testenv.Helm(t)
	makeShared.Do(func() { errShared = shared.make(context.Background(), programs) })
	if errShared != nil {
		t.Fatal(errShared)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the agents' logs:\n%s", shared.alerts.logs())
		}
	})
	return &shared
}

func TestMain(m *testing.M) {
	status := m.Run()
	if err := shared.close(); err != nil {
		fmt.Fprintln(os.Stderr, "close lab:", err)
		status = 1
	}
	os.Exit(status)
}

func (l *lab) make(ctx context.Context, programs string) (err error) {
	if l.dir, err = os.MkdirTemp("", "bobwatch-kubernetes-"); err != nil {
		return err
	}
	base, err := testenv.Debian(ctx)
	if err != nil {
		return err
	}
	agent, err := cluster.AgentImage(ctx)
	if err != nil {
		return err
	}
	l.bobctl = filepath.Join(l.dir, "bobctl")
	for _, f := range agent.Files {
		if f.Path == "/bobctl" {
			err = os.WriteFile(l.bobctl, f.Data, 0o755)
		}
	}
	if err != nil {
		return err
	}
	for _, name := range []string{"vendor", "customer"} {
		if _, err := l.run(ctx, l.bobctl, "key", "generate", filepath.Join(l.dir, name)); err != nil {
			return err
		}
	}
	l.Cluster, err = cluster.Up(ctx, cluster.Options{
		Place: cluster.ForTests, Programs: programs, Nodes: nodes, Progress: func(string) {},
	})
	if err != nil {
		return err
	}
	l.alerts = followAlerts(l.Nodes)
	config, err := l.Config()
	if err != nil {
		return err
	}
	if l.client, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	if err := l.Load(ctx, agent, workloads.Webapp(base).Image); err != nil {
		return err
	}
	return l.upgrade(ctx)
}

func (l *lab) close() error {
	var err error
	if l.Cluster != nil {
		if l.alerts != nil {
			l.alerts.stop()
		}
		err = l.Close()
	}
	return errors.Join(err, os.RemoveAll(l.dir))
}

// upgrade installs the chart, or upgrades it, with more values, and waits until
// every agent is ready.
func (l *lab) upgrade(ctx context.Context, set ...string) error {
	everything := []map[string]string{{"namespace": "*", "name": "*"}}
	var authorities []any
	files := make(map[string]string)
	for _, name := range []string{vendorPub, customerPub} {
		key, err := os.ReadFile(filepath.Join(l.dir, name))
		if err != nil {
			return err
		}
		files[name] = string(key)
		authorities = append(authorities, map[string]any{
			"name": strings.TrimSuffix(name, ".pub"), "keyFile": "/etc/bobwatch/trust/" + name, "workloads": everything,
		})
	}
	values, err := json.Marshal(map[string]any{
		"image": map[string]string{"repository": "localhost/bobwatch", "tag": "test"},
		"config": map[string]any{
			"detection": map[string]string{"cooldown": "5s"},
			"kubernetes": map[string]any{"settings": []any{
				map[string]any{"namespace": "*", "allow": []string{"off", "learn", "window", "document"}},
			}},
			"alerts": map[string]any{
				"repeatInterval": "5s",
				"sinks":          []any{map[string]any{"name": "events", "kubernetesEvents": map[string]any{}}},
			},
		},
		"trust": map[string]any{"authorities": authorities, "files": files},
	})
	if err != nil {
		return err
	}
	path := filepath.Join(l.dir, "values.json")
	if err := os.WriteFile(path, values, 0o600); err != nil {
		return err
	}
	args := []string{
		"upgrade", "--install", release, chart, "--namespace", release, "--create-namespace",
		"--values", path, "--wait", "--timeout", "90s",
	}
	for _, s := range set {
		args = append(args, "--set", s)
	}
	_, err = l.run(ctx, l.helm, args...)
	return err
}

// run runs a program that talks to the cluster, and returns what it printed.
func (l *lab) run(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), noPass)
	if l.Cluster != nil {
		cmd.Env = append(cmd.Env, "KUBECONFIG="+l.Kubeconfig)
	}
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%s %s: %w: %s", filepath.Base(program), strings.Join(args, " "), err, exit.Stderr)
	}
	return string(out), err
}
