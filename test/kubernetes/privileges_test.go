package kubernetes

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bobwatch/internal/kubernetes"
	"bobwatch/internal/status"
)

// TestPrivileges asks the kernel what the agents' processes may do, and wants that
// to be what the chart promises.
func TestPrivileges(t *testing.T) {
	l := newLab(t)
	for _, n := range l.Nodes {
		t.Run(n.Name, func(t *testing.T) {
			a := l.agentOn(t, n.Name)
			const capabilities = "000000c000080000" // BPF, PERFMON and SYS_PTRACE (capability.h)
			got := a.processStatus(t)
			for name, want := range map[string]string{
				"CapPrm": capabilities, "CapEff": capabilities, "CapBnd": capabilities,
				"CapInh": "0000000000000000", "CapAmb": "0000000000000000",
				"NoNewPrivs": "1", "Seccomp": "2",
			} {
				if got[name] != want {
					t.Errorf("%s is %s, want %s", name, got[name], want)
				}
			}
			for namespace, want := range map[string]bool{"pid": true, "net": false, "mnt": false, "ipc": false, "uts": false} {
				if got := a.namespace(t, namespace) == selfNamespace(t, namespace); got != want {
					t.Errorf("shares the machine's %s namespace: %t, want %t", namespace, got, want)
				}
			}
			mounts := a.mounts(t)
			for path, want := range map[string]string{
				"/": "ro", "/host/sys/fs/cgroup": "ro", "/sys/kernel/tracing": "ro", "/run/containerd": "ro",
				"/sys/fs/bpf": "rw", "/var/lib/bobwatch": "rw",
			} {
				if got, _, _ := strings.Cut(mounts[path], ","); got != want {
					t.Errorf("%s is mounted %q, want %s", path, got, want)
				}
			}
		})
	}
}

// TestAgentLeavesItselfAlone: the agents' own pods are neither learned nor
// guarded.
func TestAgentLeavesItselfAlone(t *testing.T) {
	l := newLab(t)
	for _, n := range l.Nodes {
		own := 0
		for _, w := range l.agentOn(t, n.Name).status(t).Workloads {
			if w.Namespace != release {
				continue
			}
			if own++; w.State != status.Off {
				t.Errorf("%s: the agent's own workload is %s", n.Name, w.State)
			}
		}
		if own == 0 {
			t.Errorf("%s: the agent does not know its own pod", n.Name)
		}
	}
	maps, err := l.client.CoreV1().ConfigMaps(release).List(t.Context(), metav1.ListOptions{
		LabelSelector: kubernetes.LabelNamespace + "=" + release,
	})
	if err != nil || len(maps.Items) > 0 {
		t.Errorf("%d profiles are learned of the agents' own namespace, %v", len(maps.Items), err)
	}
}

// TestMountsAreLetGo: the agent sees the node's containerd directory, where the
// file systems of containers are mounted, and keeps none of them.
func TestMountsAreLetGo(t *testing.T) {
	l := newLab(t)
	a := l.agentOn(t, l.Nodes[0].Name)
	overlays := func() int {
		count := 0
		for path := range a.mounts(t) {
			if strings.HasPrefix(path, "/run/containerd/") && strings.HasSuffix(path, "/rootfs") {
				count++
			}
		}
		return count
	}
	eventually(t, "end of the pods of other tests", func() error {
		namespaces, err := l.client.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, n := range namespaces.Items {
			if n.DeletionTimestamp != nil {
				return fmt.Errorf("%s is still there", n.Name)
			}
		}
		return nil
	})
	before := overlays()
	w := l.newWebapp(t, "mounts")
	w.deploy(t, 4, withoutWindow)
	if during := overlays(); during <= before {
		t.Fatalf("%d file systems of containers before and %d with more pods: the test sees nothing", before, during)
	}
	w.kubectl(t, "delete", "deployment", "webapp")
	eventually(t, "file systems to be let go", func() error {
		if after := overlays(); after > before {
			return fmt.Errorf("%d file systems of containers are mounted, %d were", after, before)
		}
		return nil
	})
}

// processStatus returns /proc/PID/status.
func (a agent) processStatus(t *testing.T) map[string]string {
	t.Helper()
	fields := map[string]string{}
	for line := range strings.Lines(a.proc(t, "status")) {
		name, value, _ := strings.Cut(line, ":")
		fields[name] = strings.TrimSpace(value)
	}
	return fields
}

// mounts returns the options of what is mounted in the agent's container. Of
// what is mounted over one another the last counts.
func (a agent) mounts(t *testing.T) map[string]string {
	t.Helper()
	options := map[string]string{}
	for line := range strings.Lines(a.proc(t, "mountinfo")) {
		if fields := strings.Fields(line); len(fields) > 5 {
			options[fields[4]] = fields[5]
		}
	}
	return options
}

func (a agent) proc(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(a.pid), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (a agent) namespace(t *testing.T, name string) string {
	t.Helper()
	return readNamespace(t, fmt.Sprint(a.pid), name)
}

func selfNamespace(t *testing.T, name string) string {
	t.Helper()
	return readNamespace(t, "self", name)
}

func readNamespace(t *testing.T, process, name string) string {
	t.Helper()
	link, err := os.Readlink(filepath.Join("/proc", process, "ns", name))
	if err != nil {
		t.Fatal(err)
	}
	return link
}
