package export

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"bobwatch/internal/glob"
	"bobwatch/internal/peer"
	"bobwatch/internal/profile"

	"github.com/goccy/go-yaml"
)

// The parts of networking.k8s.io/v1 that a policy needs.
type (
	networkPolicy struct {
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		Metadata   map[string]string `json:"metadata"`
		Spec       policySpec        `json:"spec"`
	}
	policySpec struct {
		PodSelector map[string]any `json:"podSelector"`
		PolicyTypes []string       `json:"policyTypes"`
		Ingress     []policyRule   `json:"ingress,omitempty"`
		Egress      []policyRule   `json:"egress,omitempty"`
	}
	policyRule struct {
		From  []policyPeer     `json:"from,omitempty"`
		To    []policyPeer     `json:"to,omitempty"`
		Ports []map[string]any `json:"ports,omitempty"`
	}
	policyPeer struct {
		IPBlock           *ipBlock        `json:"ipBlock,omitempty"`
		PodSelector       *map[string]any `json:"podSelector,omitempty"` // an empty one selects all
		NamespaceSelector *map[string]any `json:"namespaceSelector,omitempty"`
	}
	ipBlock struct {
		CIDR   string   `json:"cidr"`
		Except []string `json:"except,omitempty"`
	}
)

// policyBlocks are the groups of addresses that a policy can express. A pod always reaches
// itself.
var policyBlocks = map[peer.Entity][]ipBlock{
	peer.World: {
		{CIDR: "0.0.0.0/0", Except: []string{
			"10.0.0.0/8", "100.64.0.0/10", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/4",
		}},
		{CIDR: "::/0", Except: []string{"fc00::/7", "fe80::/10", "ff00::/8"}},
	},
	peer.Private: {
		{CIDR: "10.0.0.0/8"},
		{CIDR: "172.16.0.0/12"},
		{CIDR: "192.168.0.0/16"},
		{CIDR: "100.64.0.0/10", Except: []string{"100.100.100.200/32"}},
		{CIDR: "fc00::/7", Except: []string{"fd00:ec2::254/128", "fd00:ec2::23/128"}},
	},
	peer.LinkLocal: {
		{CIDR: "169.254.0.0/16", Except: []string{"169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32"}},
		{CIDR: "fe80::/10"},
	},
	peer.Metadata: {
		{CIDR: "169.254.169.254/32"},
		{CIDR: "169.254.170.2/32"},
		{CIDR: "169.254.170.23/32"},
		{CIDR: "168.63.129.16/32"},
		{CIDR: "100.100.100.200/32"},
		{CIDR: "fd00:ec2::254/128"},
		{CIDR: "fd00:ec2::23/128"},
	},
	peer.Multicast: {{CIDR: "224.0.0.0/4"}, {CIDR: "ff00::/8"}},
}

// NetworkPolicy returns the network entries of p as a Kubernetes NetworkPolicy in YAML,
// for the pods with the labels of the selector, or of the document's workload. The
// containers of a pod share its network, so their peers are joined. losses names each
// difference between the policy and the document.
func NetworkPolicy(p *profile.Profile, selector map[string]string) (text []byte, losses []string, err error) {
	if len(p.Spec.Parameters) > 0 {
		return nil, nil, errors.New("parameters have to be bound first")
	}
	if len(selector) == 0 {
		selector = p.Spec.Workload.Labels
	}
	if len(selector) == 0 {
		return nil, nil, errors.New("a NetworkPolicy selects pods by labels, and the document's workload names none: use --selector LABEL=VALUE")
	}
	var joined profile.Container
	for _, c := range p.Spec.Containers {
		if err := speaks(p, &c, profile.SenseNetwork); err != nil {
			return nil, nil, err
		}
		joined = profile.MergeContainers(joined, c)
	}
	w := policyWriter{}
	policy := networkPolicy{
		APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy",
		Metadata: map[string]string{"name": objectName(p, &profile.Container{})},
		Spec: policySpec{
			PodSelector: map[string]any{"matchLabels": selector},
			PolicyTypes: []string{"Ingress", "Egress"},
			Ingress:     w.rules("ingress", joined.Network.Ingress),
			Egress:      w.rules("egress", joined.Network.Egress),
		},
	}
	if namespace := p.Spec.Workload.Namespace; namespace != "" {
		policy.Metadata["namespace"] = namespace
	}
	text, err = yaml.Marshal(policy)
	if err != nil {
		return nil, nil, fmt.Errorf("write network policy: %w", err)
	}
	return text, w.losses, nil
}

type policyWriter struct{ losses []string }

func (w *policyWriter) lose(format string, args ...any) {
	w.losses = append(w.losses, fmt.Sprintf(format, args...))
}

func (w *policyWriter) rules(direction string, neighbors []profile.Neighbor) (rules []policyRule) {
	for i := range neighbors {
		at := fmt.Sprintf("%s[%d]", direction, i)
		peers := w.peers(at, &neighbors[i])
		ports, ok := w.ports(at, neighbors[i].Ports)
		switch {
		case len(peers) == 0 || !ok:
		case direction == "ingress":
			rules = append(rules, policyRule{From: peers, Ports: ports})
		default:
			rules = append(rules, policyRule{To: peers, Ports: ports})
		}
	}
	return rules
}

// peers returns whom a neighbor stands for, as the matcher takes it. A policy
// without peers would allow all, so that one that it cannot say is left out.
func (w *policyWriter) peers(at string, n *profile.Neighbor) (peers []policyPeer) {
	blocks := func(list []ipBlock) {
		for i := range list {
			peers = append(peers, policyPeer{IPBlock: &list[i]})
		}
	}
	for _, name := range n.Entities {
		entity, _ := peer.Parse(name)
		blocks(policyBlocks[entity])
		if entity == peer.Private {
			peers = append(peers, everyPod) // for plugins whose blocks leave pods out
		}
	}
	for _, address := range n.IPAddresses {
		blocks(blocksOf(address))
	}
	switch {
	case len(n.IPAddresses)+len(n.Entities) > 0:
	case len(n.PodSelector)+len(n.NamespaceSelector) > 0:
		peers = append(peers, policyPeer{PodSelector: selectorOf(n.PodSelector), NamespaceSelector: selectorOf(n.NamespaceSelector)})
	case len(n.DNSNames) > 0:
		w.lose("%s: a NetworkPolicy has no names: it allows every address on these ports in place of %q", at, n.DNSNames)
		blocks(policyBlocks[peer.World])
		blocks(policyBlocks[peer.Private])
		peers = append(peers, everyPod)
	default:
		w.lose("%s: is left out: it names no peer that a NetworkPolicy can say", at)
	}
	return peers
}

// everyPod stands for the pods of all namespaces.
var everyPod = policyPeer{NamespaceSelector: &map[string]any{}}

func selectorOf(selector map[string]any) *map[string]any {
	if len(selector) == 0 {
		return nil
	}
	return &selector
}

func blocksOf(address string) []ipBlock {
	if address == glob.Wildcard {
		return []ipBlock{{CIDR: "0.0.0.0/0"}, {CIDR: "::/0"}}
	}
	if prefix, err := netip.ParsePrefix(address); err == nil {
		return []ipBlock{{CIDR: prefix.Masked().String()}}
	}
	single, err := netip.ParseAddr(address)
	if err != nil {
		return nil
	}
	single = single.Unmap().WithZone("")
	return []ipBlock{{CIDR: netip.PrefixFrom(single, single.BitLen()).String()}}
}

// ports reports false if a NetworkPolicy can say none of them: without ports it
// would allow all.
func (w *policyWriter) ports(at string, list []profile.Port) (ports []map[string]any, ok bool) {
	for _, p := range list {
		protocol := cmp.Or(p.Protocol, "TCP")
		if !slices.Contains([]string{"TCP", "UDP", "SCTP"}, protocol) {
			w.lose("%s: %s is left out: a NetworkPolicy leaves it to the network plugin", at, protocol)
			continue
		}
		port := map[string]any{"protocol": protocol}
		if n, err := strconv.Atoi(p.Port); err == nil && n > 0 {
			port["port"] = n
			if end, err := strconv.Atoi(p.EndPort); err == nil {
				port["endPort"] = end
			}
		}
		ports = append(ports, port)
	}
	return ports, len(list) == 0 || len(ports) > 0
}
