// Package cluster is bobctl's access to a Kubernetes cluster, with the rights
// of its user: it chooses the cluster and namespace, finds the agents, and reads
// their status and the alerts that they wrote.
//
//	var flags cluster.Flags
//	flags.Register(command.Flags())
//	...
//	client, err := flags.Connect()
//	agents, err := client.Agents(ctx)
//	for _, report := range client.Statuses(ctx, agents) {
//		// report.Agent.Node, report.Status, report.Err
//	}
//	err = client.Alerts(ctx, cluster.Watch{Follow: true}, func(a alert.Alert) { ... })
//
// Its invariant: the API server is believed, a pod is not. An answer of a pod is
// bounded in size and time, and says nothing about another node. Its texts may hold
// anything; the caller has to make them printable.
package cluster

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/pflag"
	"k8s.io/client-go/kubernetes"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // the ways to log in that a kubeconfig may name
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Flags choose the cluster as kubectl's do. The zero value is what kubectl
// takes without flags: KUBECONFIG, or ~/.kube/config, or the service account
// of the pod it runs in.
type Flags struct {
	Kubeconfig string
	Context    string
	// Namespace is of the objects that a command is about; empty is the
	// context's.
	Namespace string
	// AgentNamespace is where the agents run; empty looks for them everywhere.
	AgentNamespace string
}

// Register adds the flags to a command's.
func (f *Flags) Register(flags *pflag.FlagSet) {
	flags.StringVar(&f.Kubeconfig, "kubeconfig", "", "`FILE` of the kubeconfig (default: KUBECONFIG, or ~/.kube/config)")
	flags.StringVar(&f.Context, "context", "", "`CONTEXT` of the kubeconfig")
	flags.StringVarP(&f.Namespace, "namespace", "n", "", "`NAMESPACE` (default: the context's)")
	flags.StringVar(&f.AgentNamespace, "agent-namespace", "", "`NAMESPACE` of the agents (default: search all)")
}

// Client is a connection to a cluster. Its methods may be called from any
// goroutine.
type Client struct {
	*kubernetes.Clientset
	// Config makes further clients, such as dynamic ones.
	Config *rest.Config
	// Namespace is that of the flags, or else the context's.
	Namespace string
	// Named reports whether the flags named the namespace.
	Named bool

	agentNamespace string
}

// Like kubectl's: enough for every node at once, and not to be felt by the API
// server.
const (
	requestsPerSecond = 50
	requestBurst      = 300
)

// Connect reads the kubeconfig. Whether the cluster answers is known with the
// first request.
func (f *Flags) Connect() (*Client, error) {
	rules := f.rules()
	overrides := &clientcmd.ConfigOverrides{CurrentContext: f.Context}
	overrides.Context.Namespace = f.Namespace
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	config, err := loader.ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, errors.New("no cluster is configured: name a kubeconfig by --kubeconfig or KUBECONFIG")
	}
	if err != nil {
		return nil, fmt.Errorf("load kubeconfig: %w", err)
	}
	namespace, named, err := loader.Namespace()
	if err != nil {
		return nil, fmt.Errorf("load kubeconfig: %w", err)
	}
	config.QPS, config.Burst = requestsPerSecond, requestBurst
	config.UserAgent = "bobctl"
	config.WarningHandler = rest.NoWarnings{}
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("load kubeconfig: %w", err)
	}
	return &Client{
		Clientset: clientset, Config: config,
		Namespace: namespace, Named: named,
		agentNamespace: f.AgentNamespace,
	}, nil
}

func (f *Flags) rules() *clientcmd.ClientConfigLoadingRules {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = f.Kubeconfig
	return rules
}

// Contexts returns the names of the contexts that there are.
func (f *Flags) Contexts() []string {
	config, err := f.rules().Load()
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(config.Contexts))
}
