package agent

import (
	"cmp"

	"bobwatch/internal/agent/apiserver"
	"bobwatch/internal/kubernetes"
	"bobwatch/internal/workload"
)

// connect returns the API server's client, which asks nothing yet; nil if the
// configuration wants no cluster.
func (a *agent) connect() (*kubernetes.Client, error) {
	k := a.config.Kubernetes
	if !k.Enabled {
		return nil, nil
	}
	kubernetes.LogTo(a.log.Named("kubernetes"))
	own := kubernetes.OwnNamespace()
	// Pods next to the agents may choose not to be watched, as the agents do.
	settings := []kubernetes.SettingsRule{{Namespace: own, Allow: []string{kubernetes.ChoiceOff}}}
	for _, s := range k.Settings {
		settings = append(settings, kubernetes.SettingsRule(s))
	}
	return kubernetes.Connect(kubernetes.Options{
		LearnedNamespace: cmp.Or(k.LearnedNamespace, own),
		Settings:         settings,
		Kubeconfig:       k.Kubeconfig,
		Node:             a.config.Node,
		Namespaces:       k.Namespaces,
		Version:          Version,
		Log:              a.log.Named("kubernetes"),
		Registerer:       a.registry,
	})
}

// openCluster returns the API server, nil without a client.
func (a *agent) openCluster(client *kubernetes.Client) *apiserver.Server {
	if client == nil {
		return nil
	}
	k := a.config.Kubernetes
	options := apiserver.Options{
		Labels:     k.Labels,
		PodChanged: func(podUID string) { a.post(func(c *containers) { c.podChanged(podUID) }) },
		PodEnds:    func(pod kubernetes.PodID) { a.post(func(c *containers) { c.podEnds(pod) }) },
		Log:        a.log.Named("kubernetes"),
	}
	if k.LearnedProfiles {
		options.Learned = func(key workload.Key, r kubernetes.Record) {
			a.post(func(c *containers) { c.workloads.learnedElsewhere(key, &r) })
		}
	}
	return apiserver.New(client, options)
}

// post hands f to the engine, once that runs.
func (a *agent) post(f func(*containers)) {
	c := a.engine.containers
	c.post(c.ctx, func() { f(c) })
}
