package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"bobwatch/internal/alert"
	"bobwatch/internal/cluster"
	"bobwatch/internal/docfile"
	"bobwatch/internal/observe"
	"bobwatch/internal/profile"
	"bobwatch/internal/report"
	"bobwatch/internal/term"
)

// Cluster watches a workload on the nodes of a cluster, by the bobctl in
// the agents' pods.
type Cluster struct {
	Terminal *term.Terminal
	Flags    cluster.Flags
	workload string
	manifest string
}

// Register registers the flags that name the workload.
func (c *Cluster) Register(flags *pflag.FlagSet) {
	flags.StringVar(&c.workload, "workload", "", "watch the workload `NAMESPACE/KIND/NAME` of the cluster; KIND may be a short name, such as deploy, sts or ds")
	flags.StringVarP(&c.manifest, "file", "f", "", "deploy `MANIFEST` for the test; if it has several workloads, --workload says which to watch")
	c.Flags.Register(flags)
}

// Chosen reports whether the command line names anything.
func (c *Cluster) Chosen() bool { return c.workload != "" || c.manifest != "" }

const (
	// nodeGrace is how long a node may take in addition to the time under watch:
	// to load its programs, and to answer.
	nodeGrace = time.Minute
	// endGrace is how long a node that has answered may take to end.
	endGrace = 5 * time.Second
	// removeTimeout is how long the deployed objects may take to go.
	removeTimeout = 2 * time.Minute
	// maxTrialBytes bounds the answer of a node: 4,096 incidents of some KiB.
	maxTrialBytes = 64 << 20
)

// Observe watches for d on every node, and holds what it sees to the document.
func (c *Cluster) Observe(ctx context.Context, document *profile.Profile, d time.Duration) (trial report.Trial, err error) {
	client, err := c.Flags.Connect()
	if err != nil {
		return trial, err
	}
	manifest, target, err := c.target(client)
	if err != nil {
		return trial, err
	}
	agents, err := client.Agents(ctx)
	if err != nil {
		return trial, err
	}
	text, err := profile.Marshal(document)
	if err != nil {
		return trial, err
	}
	w := &nodesTrial{
		client:  client,
		request: nodeTrial{Document: text, Workload: target, For: d, Expected: manifest != nil},
		trial:   report.Trial{Workload: alert.Workload{Namespace: target.Namespace, Kind: target.Kind, Name: target.Name}},
	}
	if manifest == nil {
		if agents, err = w.agentsOf(ctx, agents); err != nil {
			return trial, err
		}
		return w.run(ctx, agents, func() error { return nil })
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
		defer cancel()
		err = errors.Join(err, manifest.Remove(ctx))
	}()
	return w.run(ctx, agents, func() error {
		fmt.Fprintf(c.Terminal.Err, "deploying %s\n", term.Printable(c.manifest))
		return manifest.Create(ctx)
	})
}

// target returns the workload to watch, and the manifest that deploys it, if
// there is one.
func (c *Cluster) target(client *cluster.Client) (*cluster.Manifest, observe.Workload, error) {
	var target observe.Workload
	var err error
	if c.workload != "" {
		if target, err = observe.ParseWorkload(c.workload); err != nil {
			return nil, target, term.Usagef("--workload %s: %v", term.Word(c.workload), err)
		}
	}
	if c.manifest == "" {
		return nil, target, nil
	}
	text, err := docfile.Read(c.Terminal.In, c.manifest)
	if err != nil {
		return nil, target, err
	}
	manifest, err := client.Manifest(text)
	if err != nil {
		return nil, target, fmt.Errorf("%s: %w", docfile.NameOf(c.manifest), err)
	}
	if c.workload == "" {
		target, err = onlyWorkload(manifest, client.Namespace)
	}
	return manifest, target, err
}

// onlyWorkload returns the one workload of a manifest. Pods of their own, which
// often are clients, count only where there is nothing else.
func onlyWorkload(m *cluster.Manifest, namespace string) (observe.Workload, error) {
	var workloads, pods []observe.Workload
	for _, object := range m.Objects {
		w := observe.Workload{Namespace: object.GetNamespace(), Kind: object.GetKind(), Name: object.GetName()}
		if w.Namespace == "" {
			w.Namespace = namespace
		}
		switch w.Kind {
		case "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob":
			workloads = append(workloads, w)
		case "Pod":
			pods = append(pods, w)
		}
	}
	if len(workloads) == 0 {
		workloads = pods
	}
	if len(workloads) != 1 {
		return observe.Workload{}, term.Usagef("the manifest has %d workloads: say by --workload which one to watch", len(workloads))
	}
	return workloads[0], nil
}

// nodesTrial is one trial on several nodes.
type nodesTrial struct {
	client  *cluster.Client
	request nodeTrial

	mu    sync.Mutex
	trial report.Trial
}

// agentsOf returns the agents of the nodes that have pods of the workload.
func (n *nodesTrial) agentsOf(ctx context.Context, agents []cluster.Agent) ([]cluster.Agent, error) {
	w := n.request.Workload
	pods, err := n.client.PodsOf(ctx, w.Namespace, w.Kind, w.Name)
	if err != nil {
		return nil, err
	}
	if len(pods) == 0 {
		return nil, fmt.Errorf("no pod of %s %s/%s is there", w.Kind, w.Namespace, w.Name)
	}
	n.uncover(pods, agents)
	return slices.DeleteFunc(agents, func(a cluster.Agent) bool {
		return !slices.ContainsFunc(pods, func(p cluster.Pod) bool { return p.Node != "" && p.Node == a.Node })
	}), nil
}

// uncover notes the pods that no agent can watch.
func (n *nodesTrial) uncover(pods []cluster.Pod, agents []cluster.Agent) {
	for _, pod := range pods {
		covered := slices.ContainsFunc(agents, func(a cluster.Agent) bool { return a.Node == pod.Node })
		switch {
		case pod.Node == "":
			n.unwatched("Pod %s has no node yet.", pod.Name)
		case !covered:
			n.unwatched("Pod %s was not watched: no agent runs on node %s.", pod.Name, pod.Node)
		}
	}
}

func (n *nodesTrial) unwatched(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.trial.Unwatched = append(n.trial.Unwatched, term.Printable(fmt.Sprintf(format, args...)))
}

// run watches on all nodes. When every node watches, or has said that it cannot, run
// calls begin; an error of begin ends the watch. When ctx ends, run asks the nodes to
// answer at once.
func (n *nodesTrial) run(ctx context.Context, agents []cluster.Agent, begin func() error) (report.Trial, error) {
	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	var ready sync.WaitGroup
	ready.Add(len(agents))
	var group errgroup.Group
	for _, a := range agents {
		group.Go(func() error {
			err := n.node(stop, a, sync.OnceFunc(ready.Done))
			if err != nil {
				n.unwatched("Node %s was not watched: %v.", a.Node, err)
			}
			return err
		})
	}
	ready.Wait()
	beginErr := begin()
	if beginErr != nil {
		cancel()
	}
	err := group.Wait()
	if beginErr != nil {
		return report.Trial{}, beginErr
	}
	if n.trial.Observed == nil && err != nil {
		return report.Trial{}, err
	}
	if n.request.Expected {
		w := n.request.Workload
		pods, err := n.client.PodsOf(context.WithoutCancel(ctx), w.Namespace, w.Kind, w.Name)
		if err != nil {
			return report.Trial{}, err
		}
		n.uncover(pods, agents)
	}
	return n.trial, nil
}

// node watches on one node until its time is over or ctx ends. It calls ready
// when the node watches, or cannot.
func (n *nodesTrial) node(ctx context.Context, a cluster.Agent, ready func()) error {
	defer ready()
	request, err := json.Marshal(n.request)
	if err != nil {
		return err
	}
	in, feed := io.Pipe()
	answer, out := io.Pipe()
	// The node ends when its input does, and answers then.
	patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), n.request.For+nodeGrace)
	defer cancel()
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	go func() {
		_, _ = feed.Write(request) // it fails when the node is gone, which Exec tells
		select {
		case <-ctx.Done():
		case <-patient.Done():
		}
		feed.Close()
	}()
	go func() {
		out.CloseWithError(n.client.Exec(patient, a, in, out, "/bobctl", "watch"))
		in.Close()
	}()
	defer answer.Close()
	if err := n.read(answer, ready); err != nil {
		return err
	}
	// The connection ends in good order, unless the node has more to say.
	enough()
	defer time.AfterFunc(endGrace, cancel).Stop()
	_, _ = io.Copy(io.Discard, answer)
	return nil
}

// read reads the answer of a node. It ignores the workload name in the answer.
func (n *nodesTrial) read(answer io.Reader, ready func()) error {
	decoder := json.NewDecoder(io.LimitReader(answer, maxTrialBytes))
	var begun watching
	if err := decoder.Decode(&begun); err != nil {
		return fmt.Errorf("start to watch: %w", err)
	}
	ready()
	var part report.Trial
	if err := decoder.Decode(&part); err != nil {
		return fmt.Errorf("read what was observed: %w", err)
	}
	if part.Observed == nil {
		return errors.New("read what was observed: there is nothing")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	workload := n.trial.Workload
	if len(part.Instances) == 0 && n.request.Expected {
		return nil // none came to this node
	}
	// The node may have derived another name of the workload.
	part.Observed.Spec.Workload = profile.Workload{Namespace: workload.Namespace, Kind: workload.Kind, Name: workload.Name}
	err := n.trial.Join(part)
	n.trial.Workload = workload
	return err
}
