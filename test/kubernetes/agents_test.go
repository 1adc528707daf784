package kubernetes

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bobwatch/internal/status"
	"bobwatch/internal/testenv"
)

// agent is a running agent.
type agent struct {
	pod corev1.Pod
	pid int
}

// agentOn returns the agent of a node, once it runs.
func (l *lab) agentOn(t *testing.T, node string) agent {
	t.Helper()
	var a agent
	eventually(t, "agent on "+node, func() error {
		pods, err := l.client.CoreV1().Pods(release).List(t.Context(), metav1.ListOptions{
			LabelSelector: selector, FieldSelector: "spec.nodeName=" + node,
		})
		if err != nil {
			return err
		}
		for _, p := range pods.Items {
			if p.DeletionTimestamp != nil || len(p.Status.ContainerStatuses) != 1 || !p.Status.ContainerStatuses[0].Ready {
				continue
			}
			pid, err := l.processOf(t, p)
			if err != nil {
				return err
			}
			a = agent{pod: p, pid: pid}
			return nil
		}
		return fmt.Errorf("none of %d pods is ready", len(pods.Items))
	})
	return a
}

// processOf returns the first process of a pod's only container.
func (l *lab) processOf(t *testing.T, p corev1.Pod) (int, error) {
	t.Helper()
	_, id, _ := strings.Cut(p.Status.ContainerStatuses[0].ContainerID, "://")
	for _, n := range l.Nodes {
		if n.Name != p.Spec.NodeName {
			continue
		}
		out, err := exec.CommandContext(t.Context(), "ctr", "-a", n.Containerd, "-n", testenv.Namespace, "task", "ls").Output()
		if err != nil {
			return 0, fmt.Errorf("list tasks of %s: %w", n.Name, err)
		}
		for line := range strings.Lines(string(out)) {
			if fields := strings.Fields(line); len(fields) == 3 && fields[0] == id && fields[2] == "RUNNING" {
				return strconv.Atoi(fields[1])
			}
		}
	}
	return 0, fmt.Errorf("container %s does not run", id)
}

// kill kills the agent without a chance to write anything more.
func (a agent) kill(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(a.pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// status asks the agent what it does.
func (a agent) status(t *testing.T) status.Status {
	t.Helper()
	text, err := visit(t.Context(), a.pod, 9464, status.Path)
	if err != nil {
		t.Fatal(err)
	}
	var s status.Status
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// usage is what a process has used.
type usage struct {
	rss int64 // bytes that are resident, the kernel's maps that it has mapped included
	cpu float64
}

// usage returns what the agent uses, CPU in seconds since its start.
func (a agent) usage(t *testing.T) usage {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", a.pid))
	if err != nil {
		t.Fatal(err)
	}
	// Behind the name, which may hold anything, from state, field 3 of proc(5).
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	number := func(field int) int64 {
		n, err := strconv.ParseInt(fields[field-3], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const ticks = 100 // USER_HZ, which is the same on every machine that runs Go
	return usage{
		rss: number(24) * int64(os.Getpagesize()),
		cpu: float64(number(14)+number(15)) / ticks,
	}
}
