// Package kubernetes is the agent's side of a cluster's API server: owners of pods,
// documents, learned profiles of all nodes, and Events for people.
//
// Its invariant: nothing waits for it. Without the API server everything else goes on,
// and reads and writes are caught up with when it is back.
package kubernetes

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"k8s.io/client-go/rest"
)

// Options of a Client.
type Options struct {
	// Kubeconfig is the path of a file that says where the API server is; empty
	// for the cluster that the process runs in.
	Kubeconfig string
	// Node is the name of the node whose pods are watched.
	Node string
	// Namespaces whose documents are read; empty for all.
	Namespaces []string
	// LearnedNamespace holds the learned profiles of all namespaces. It has to be
	// one that nobody else may write to: agents believe its ConfigMaps.
	LearnedNamespace string
	// Settings bounds the settings that pods may choose.
	Settings []SettingsRule
	// Version of the agent, for the API server's logs.
	Version    string
	Log        *zap.Logger
	Registerer prometheus.Registerer // nil keeps the metrics unregistered
}

// Client talks to one API server.
type Client struct {
	options Options
	log     *zap.Logger
	core    *rest.RESTClient // of api/v1, in protobuf
	metrics *metrics
	events  *Events

	published publishedMaps
}

// Connect returns a client. It causes no traffic: the only errors are those of
// the configuration.
func Connect(options Options) (*Client, error) {
	if options.Node == "" {
		return nil, errors.New("connect to API server: the node has no name")
	}
	config, err := restConfig(options.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("connect to API server: %w", err)
	}
	metrics := newMetrics(options.Registerer)
	core, err := newCore(config, options.Version, metrics)
	if err != nil {
		return nil, fmt.Errorf("connect to API server: %w", err)
	}
	c := &Client{options: options, log: options.Log, core: core, metrics: metrics}
	c.events = newEvents(c)
	return c, nil
}

// Events returns the Client's way to tell people something.
func (c *Client) Events() *Events { return c.events }
