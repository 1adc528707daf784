package cluster

import (
	"bytes"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestProblem(t *testing.T) {
	state := func(s corev1.ContainerState) corev1.PodStatus {
		return corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{
			{Name: "sidecar", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}},
			{Name: agentContainer, State: s},
		}}
	}
	now := metav1.Now()
	tests := map[string]struct {
		meta   metav1.ObjectMeta
		status corev1.PodStatus
		want   string
	}{
		"running":  {status: state(corev1.ContainerState{Running: &corev1.ContainerStateRunning{}})},
		"deleted":  {meta: metav1.ObjectMeta{DeletionTimestamp: &now}, status: state(corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}), want: "the pod is being deleted"},
		"no image": {status: state(corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "not found"}}), want: "ErrImagePull: not found"},
		"crashed":  {status: state(corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "OOMKilled"}}), want: "OOMKilled"},
		"no word":  {status: state(corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{}}), want: "the container does not run"},
		"no place": {
			status: corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{
				{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "1 Insufficient memory"},
			}},
			want: "Unschedulable: 1 Insufficient memory",
		},
		"evicted": {status: corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted"}, want: "Evicted"},
		"new":     {status: corev1.PodStatus{Phase: corev1.PodPending}, want: "the pod is pending"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := problem(&corev1.Pod{ObjectMeta: tt.meta, Status: tt.status}); got != tt.want {
				t.Errorf("problem() = %q, want %q", got, tt.want)
			}
		})
	}
}

// The pod that runs speaks for its node, and of two the newer one.
func TestOlder(t *testing.T) {
	early, late := time.Unix(1, 0), time.Unix(2, 0)
	tests := map[string]struct {
		a, b Agent
		want bool
	}{
		"newer":           {a: Agent{started: early}, b: Agent{started: late}, want: true},
		"elder":           {a: Agent{started: late}, b: Agent{started: early}},
		"newer is broken": {a: Agent{started: early}, b: Agent{started: late, Problem: "x"}},
		"elder is broken": {a: Agent{started: early, Problem: "x"}, b: Agent{started: late}, want: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.a.older(tt.b); got != tt.want {
				t.Errorf("older() = %t, want %t", got, tt.want)
			}
		})
	}
}

func TestAgentAddress(t *testing.T) {
	probe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Scheme: corev1.URISchemeHTTPS}}}
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{
		{Name: "proxy", Ports: []corev1.ContainerPort{{Name: agentPort, ContainerPort: 1}}},
		{Name: agentContainer, ReadinessProbe: probe, Ports: []corev1.ContainerPort{{Name: "other", ContainerPort: 2}, {Name: agentPort, ContainerPort: 3}}},
	}}}
	if got := newAgent(pod); got.port != 3 || got.scheme != "https" {
		t.Errorf("got %q and port %d, want https and 3, of the agent's container and name", got.scheme, got.port)
	}
	if got := newAgent(&corev1.Pod{}); got.port != defaultPort || got.scheme != "" {
		t.Errorf("got %q and port %d of a pod that names none, want the default", got.scheme, got.port)
	}
}

func TestDecodeStatusIsBounded(t *testing.T) {
	if _, err := decodeStatus(strings.NewReader(`"` + strings.Repeat("x", maxStatusBytes) + `"`)); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("got %v of an answer without an end, want a bound", err)
	}
}

func FuzzDecodeStatus(f *testing.F) {
	f.Add([]byte(`{"node":"n","ready":true,"hooks":[{"name":"x","attached":true}],"workloads":[{"kind":"Deployment","name":"w","observedSeconds":1e9}],"documents":[{"source":"configmap a/b"}]}`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = decodeStatus(bytes.NewReader(data))
	})
}
