// Package fleet joins the answers of the agents of all nodes: their status, and their
// alerts.
package fleet

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bobwatch/internal/cluster"
	"bobwatch/internal/kubernetes"
	"bobwatch/internal/profile"
	"bobwatch/internal/status"
	"bobwatch/internal/workload"
)

// Status is the joined status of the agents of all nodes. Its JSON is API.
type Status struct {
	Agents    []agentStatus    `json:"agents"`
	Workloads []workloadStatus `json:"workloads"`
	Documents []documentStatus `json:"documents"`
}

// agentStatus is one agent. Problem says why it is not ready.
type agentStatus struct {
	Node      string        `json:"node"`
	Namespace string        `json:"namespace"`
	Pod       string        `json:"pod"`
	Version   string        `json:"version,omitempty"`
	Ready     bool          `json:"ready"`
	Problem   string        `json:"problem,omitempty"`
	Hooks     []status.Hook `json:"hooks,omitempty"`
}

// workloadStatus is a workload container with one image, over all nodes.
type workloadStatus struct {
	Namespace string `json:"namespace,omitempty"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Container string `json:"container"`
	Image     string `json:"image,omitempty"`
	Digest    string `json:"digest,omitempty"`

	// State is the one that protects least where nodes differ. States counts
	// the nodes in each.
	State  status.State         `json:"state"`
	States map[status.State]int `json:"states"`
	// Observed is for how long the node that watched longest has watched it.
	Observed     float64              `json:"observedSeconds"`
	Window       float64              `json:"windowSeconds"`
	Completeness profile.Completeness `json:"completeness,omitempty"`
	Learned      status.Counts        `json:"learned"` // of the node that learned most
	LastNews     time.Time            `json:"lastNews,omitzero"`
	Late         uint64               `json:"late,omitempty"` // instances that were watched late
	Replicas     int                  `json:"replicas"`
	Nodes        []string             `json:"nodes"`

	// Profile is the ConfigMap of the learned profile, empty if there is none.
	// NewFacts is how much was new when the nodes wrote to it last, Reason why
	// it is not complete.
	Profile  string `json:"profile,omitempty"`
	NewFacts int    `json:"newFacts,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// documentStatus is a document, over all nodes.
type documentStatus struct {
	Source    string           `json:"source"`
	Name      string           `json:"name"`
	Authority string           `json:"authority,omitempty"`
	InForce   []string         `json:"inForce"` // nodes
	Refused   []refusalOnNodes `json:"refused,omitempty"`
}

// refusalOnNodes is why some nodes refuse the newest version of a document.
// Where it is in force as well, it is an older version.
type refusalOnNodes struct {
	Why    string   `json:"why"`
	Reason string   `json:"reason,omitempty"` // of catalog.Reason
	Nodes  []string `json:"nodes"`
}

// Fine reports whether every agent watches and no document is refused.
func (s *Status) Fine() bool {
	return !slices.ContainsFunc(s.Agents, func(a agentStatus) bool { return !a.Ready }) &&
		!slices.ContainsFunc(s.Documents, func(d documentStatus) bool { return len(d.Refused) > 0 })
}

// NewStatus folds the agents' reports, of one namespace or with an empty
// one of all.
func NewStatus(reports []cluster.Report, namespace string) *Status {
	s := &Status{Agents: []agentStatus{}}
	workloads := make(map[workloadKey]*workloadStatus)
	documents := make(map[[2]string]*documentStatus)
	for i := range reports {
		r := &reports[i]
		s.Agents = append(s.Agents, newAgentStatus(r))
		for j := range r.Status.Workloads {
			if w := &r.Status.Workloads[j]; namespace == "" || w.Namespace == namespace {
				addWorkload(workloads, w, r.Agent.Node)
			}
		}
		for j := range r.Status.Documents {
			if d := &r.Status.Documents[j]; namespace == "" || isOf(d.Source, namespace) {
				addDocument(documents, d, r.Agent.Node)
			}
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(workloads), workloadKey.compare) {
		s.Workloads = append(s.Workloads, *workloads[key])
	}
	for _, key := range slices.SortedFunc(maps.Keys(documents), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		s.Documents = append(s.Documents, *documents[key])
	}
	return s
}

// isOf reports whether a source of documents is a ConfigMap of the namespace,
// or a file of the node, which may be for any.
func isOf(source, namespace string) bool {
	object, isMap := strings.CutPrefix(source, "configmap ")
	return !isMap || strings.HasPrefix(object, namespace+"/")
}

func newAgentStatus(r *cluster.Report) agentStatus {
	a := agentStatus{
		Node: r.Agent.Node, Namespace: r.Agent.Namespace, Pod: r.Agent.Pod,
		Version: r.Status.Version, Ready: r.Status.Ready, Problem: r.Status.NotReady, Hooks: r.Status.Hooks,
	}
	if r.Err != nil {
		a.Ready, a.Problem = false, "cannot be asked: "+r.Err.Error()
	}
	return a
}

// AddLearned adds what stands on the learned profiles in the cluster.
func (s *Status) AddLearned(profiles []metav1.ObjectMeta) {
	byName := make(map[string]*metav1.ObjectMeta, len(profiles))
	for i := range profiles {
		byName[profiles[i].Name] = &profiles[i]
	}
	for i := range s.Workloads {
		w := &s.Workloads[i]
		name := kubernetes.LearnedName(workload.Key{
			Namespace: w.Namespace, OwnerKind: w.Kind, OwnerName: w.Name, Container: w.Container, ImageDigest: w.Digest,
		})
		m := byName[name]
		if m == nil {
			continue
		}
		w.Profile, w.Reason = name, m.Annotations[kubernetes.AnnotationReason]
		if n, err := strconv.Atoi(m.Annotations[kubernetes.AnnotationNewFacts]); err == nil {
			w.NewFacts = n
		}
	}
}

// workloadKey tells workload containers with different images apart.
type workloadKey struct{ namespace, kind, name, container, image string }

func (k workloadKey) compare(other workloadKey) int {
	return cmp.Or(
		cmp.Compare(k.namespace, other.namespace), cmp.Compare(k.kind, other.kind), cmp.Compare(k.name, other.name),
		cmp.Compare(k.container, other.container), cmp.Compare(k.image, other.image))
}

// protection orders the states by what they protect.
var protection = []status.State{status.Unguarded, status.Learning, status.Guarded, status.Off}

func addWorkload(all map[workloadKey]*workloadStatus, w *status.Workload, node string) {
	key := workloadKey{w.Namespace, w.Kind, w.Name, w.Container, cmp.Or(w.Digest, w.Image)}
	sum := all[key]
	if sum == nil {
		sum = &workloadStatus{
			Namespace: w.Namespace, Kind: w.Kind, Name: w.Name, Container: w.Container, Image: w.Image, Digest: w.Digest,
			State: w.State, States: make(map[status.State]int),
		}
		all[key] = sum
	}
	if slices.Index(protection, w.State) < slices.Index(protection, sum.State) {
		sum.State = w.State
	}
	sum.States[w.State]++
	sum.Observed = max(sum.Observed, w.Observed)
	sum.Window = max(sum.Window, w.Window)
	sum.Completeness = profile.WorseCompleteness(sum.Completeness, w.Completeness)
	sum.Late += w.Late
	sum.Learned.Syscalls = max(sum.Learned.Syscalls, w.Learned.Syscalls)
	sum.Learned.Execs = max(sum.Learned.Execs, w.Learned.Execs)
	sum.Learned.Opens = max(sum.Learned.Opens, w.Learned.Opens)
	if w.LastNews.After(sum.LastNews) {
		sum.LastNews = w.LastNews
	}
	sum.Replicas += len(w.Instances)
	sum.Nodes = append(sum.Nodes, node)
}

func addDocument(all map[[2]string]*documentStatus, d *status.Document, node string) {
	key := [2]string{d.Source, d.Name}
	sum := all[key]
	if sum == nil {
		sum = &documentStatus{Source: d.Source, Name: d.Name, InForce: []string{}}
		all[key] = sum
	}
	if d.InForce {
		sum.InForce = append(sum.InForce, node)
		sum.Authority = cmp.Or(sum.Authority, d.Authority)
	}
	why := d.RefusedWhy()
	if why == "" {
		return
	}
	for i := range sum.Refused {
		if sum.Refused[i].Why == why {
			sum.Refused[i].Nodes = append(sum.Refused[i].Nodes, node)
			return
		}
	}
	sum.Refused = append(sum.Refused, refusalOnNodes{Why: why, Reason: d.Reason, Nodes: []string{node}})
}
