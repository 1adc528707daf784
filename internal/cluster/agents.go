package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"bobwatch/internal/status"
)

// The labels by which agents are found among pods, as in the Helm chart.
const (
	agentSelector  = "app.kubernetes.io/name=bobwatch,app.kubernetes.io/component=agent"
	agentContainer = "agent"
	agentPort      = "metrics"
	// defaultPort is the agent's own default.
	defaultPort = 9464
)

// ErrNoAgents says that no agent runs where the caller may look.
var ErrNoAgents = errors.New("no agent runs in the cluster: install it by its Helm chart")

// Agent is the agent of one node.
type Agent struct {
	Namespace string `json:"namespace"`
	Pod       string `json:"pod"`
	Node      string `json:"node"` // empty until the pod has a node
	// Problem says why it cannot be asked, such as that its image cannot be
	// pulled. It is empty if the container runs.
	Problem string `json:"problem,omitempty"`

	uid      string
	scheme   string // of its HTTP port; empty for http
	port     int32
	started  time.Time // of the pod
	restarts int32
}

// Agents returns the agents of all nodes that have one or are about to, sorted
// by node. They have to be in one namespace: a user who can create pods in another one
// could otherwise speak for a node.
func (c *Client) Agents(ctx context.Context) ([]Agent, error) {
	pods, err := c.CoreV1().Pods(c.agentNamespace).List(ctx, metav1.ListOptions{LabelSelector: agentSelector})
	switch {
	case apierrors.IsForbidden(err) && c.agentNamespace == "":
		return nil, fmt.Errorf("list agents: %w; if you may do so in their namespace, name it by --agent-namespace", err)
	case err != nil:
		return nil, fmt.Errorf("list agents: %w", err)
	}
	byNode := make(map[string]Agent)
	namespaces := make(map[string]bool)
	for i := range pods.Items {
		a := newAgent(&pods.Items[i])
		namespaces[a.Namespace] = true
		// A pod without a node is an agent of its own.
		key := cmp.Or(a.Node, "/"+a.Pod)
		if known, ok := byNode[key]; !ok || known.older(a) {
			byNode[key] = a
		}
	}
	if len(namespaces) > 1 {
		return nil, fmt.Errorf("agents run in several namespaces (%s): name the one you trust by --agent-namespace",
			strings.Join(slices.Sorted(maps.Keys(namespaces)), ", "))
	}
	if len(byNode) == 0 {
		return nil, ErrNoAgents
	}
	return slices.SortedFunc(maps.Values(byNode), func(a, b Agent) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Pod, b.Pod))
	}), nil
}

// older reports whether b replaces a on their node: a rollout leaves two pods
// there for a while.
func (a Agent) older(b Agent) bool {
	if (a.Problem == "") != (b.Problem == "") {
		return a.Problem != ""
	}
	return a.started.Before(b.started)
}

func newAgent(pod *corev1.Pod) Agent {
	a := Agent{
		Namespace: pod.Namespace, Pod: pod.Name, Node: pod.Spec.NodeName,
		Problem: problem(pod), uid: string(pod.UID), port: defaultPort, started: pod.CreationTimestamp.Time,
	}
	for i := range pod.Spec.Containers {
		if c := &pod.Spec.Containers[i]; c.Name == agentContainer {
			a.address(c)
		}
	}
	for i := range pod.Status.ContainerStatuses {
		if s := &pod.Status.ContainerStatuses[i]; s.Name == agentContainer {
			a.restarts = s.RestartCount
		}
	}
	return a
}

// address finds the HTTP port, and by the probe whether it speaks TLS.
func (a *Agent) address(c *corev1.Container) {
	for _, port := range c.Ports {
		if port.Name == agentPort {
			a.port = port.ContainerPort
		}
	}
	if p := c.ReadinessProbe; p != nil && p.HTTPGet != nil && p.HTTPGet.Scheme == corev1.URISchemeHTTPS {
		a.scheme = "https"
	}
}

// problem says why the agent's container does not run.
func problem(pod *corev1.Pod) string {
	if pod.DeletionTimestamp != nil {
		return "the pod is being deleted"
	}
	for i := range pod.Status.ContainerStatuses {
		s := &pod.Status.ContainerStatuses[i]
		switch {
		case s.Name != agentContainer:
		case s.State.Running != nil:
			return ""
		case s.State.Waiting != nil:
			return reason(s.State.Waiting.Reason, s.State.Waiting.Message)
		case s.State.Terminated != nil:
			return reason(s.State.Terminated.Reason, s.State.Terminated.Message)
		}
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return reason(condition.Reason, condition.Message)
		}
	}
	return reason(cmp.Or(pod.Status.Reason, "the pod is "+strings.ToLower(string(pod.Status.Phase))), pod.Status.Message)
}

func reason(short, long string) string {
	if short == "" || long == "" {
		return cmp.Or(short, long, "the container does not run")
	}
	return short + ": " + long
}

// Report is the status of an agent, or the error of asking for it.
type Report struct {
	Agent  Agent
	Status status.Status
	Err    error
}

const (
	// statusTimeout is how long an agent may take to answer.
	statusTimeout = 10 * time.Second
	// maxStatusBytes bounds an answer: some hundred bytes for each of the
	// containers of a node.
	maxStatusBytes = 16 << 20
	// maxRequests is how many agents are asked at a time.
	maxRequests = 32
)

// Statuses asks all agents at once. The reports are in the order of agents.
func (c *Client) Statuses(ctx context.Context, agents []Agent) []Report {
	reports := make([]Report, len(agents))
	var group errgroup.Group
	group.SetLimit(maxRequests)
	for i, a := range agents {
		group.Go(func() error {
			s, err := c.Status(ctx, a)
			reports[i] = Report{Agent: a, Status: s, Err: err}
			return nil
		})
	}
	_ = group.Wait() // they return none
	return reports
}

// Status asks one agent through the API server, which reaches the pod.
func (c *Client) Status(ctx context.Context, a Agent) (status.Status, error) {
	if a.Problem != "" {
		return status.Status{}, errors.New(a.Problem)
	}
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	body, err := c.CoreV1().RESTClient().Get().
		Namespace(a.Namespace).Resource("pods").
		Name(utilnet.JoinSchemeNamePort(a.scheme, a.Pod, strconv.Itoa(int(a.port)))).
		SubResource("proxy").Suffix(status.Path).
		Stream(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return status.Status{}, errors.New("no answer in time")
	}
	if err != nil {
		return status.Status{}, err
	}
	defer body.Close()
	s, err := decodeStatus(body)
	if err != nil {
		return status.Status{}, fmt.Errorf("read status: %w", err)
	}
	s.Node = a.Node
	return s, nil
}

func decodeStatus(body io.Reader) (status.Status, error) {
	data, err := io.ReadAll(io.LimitReader(body, maxStatusBytes+1))
	if err != nil {
		return status.Status{}, err
	}
	if len(data) > maxStatusBytes {
		return status.Status{}, fmt.Errorf("more than %d bytes", maxStatusBytes)
	}
	var s status.Status
	err = json.Unmarshal(data, &s)
	return s, err
}
