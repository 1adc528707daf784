package profile

import (
	"slices"
	"strconv"
	"strings"
)

// Keys of Neighbor.Kubescape for entries of lists that match nothing.
const (
	keepDNSNames    = "dnsNames"
	keepIPAddresses = "ipAddresses"
)

// neighbors reads an ingress or egress list. The deprecated fields for one
// name and one address are joined with their lists.
func (r *reader) neighbors(n *node) []Neighbor {
	var neighbors []Neighbor
	for _, item := range r.items(n) {
		neighbors = append(neighbors, r.neighbor(item))
	}
	return neighbors
}

func (r *reader) neighbor(n *node) Neighbor {
	var nb Neighbor
	for _, field := range r.fields(n) {
		switch field.key {
		case "identifier":
			nb.Identifier = r.text(field)
		case "type":
			nb.Type = r.text(field)
		case "dns", "dnsNames":
			r.dnsNames(&nb, field)
		case "ipAddress", "ipAddresses":
			nb.addresses(r.strings(field))
		case "ports":
			for _, port := range r.items(field) {
				nb.Ports = append(nb.Ports, r.port(port))
			}
		case "podSelector":
			nb.PodSelector = r.selector(&nb, field)
		case "namespaceSelector":
			nb.NamespaceSelector = r.selector(&nb, field)
		default:
			nb.keep(field.key, r.any(field))
		}
	}
	return nb
}

// dnsNames reads names. A wildcard that would not be matched as it seems to be
// meant is refused, as Kubescape does. A name that nobody can ask for, such as
// the root's, is kept aside.
func (r *reader) dnsNames(nb *Neighbor, n *node) {
	for _, element := range r.elements(n) {
		name := r.text(element)
		err := CheckDNSPattern(name)
		switch {
		case name == "":
		case err == nil:
			nb.DNSNames = append(nb.DNSNames, name)
		case strings.Contains(name, Wildcard) || strings.Contains(name, Dynamic):
			r.fail(element, "%s", err)
		default:
			nb.keepText(keepDNSNames, name)
		}
	}
}

// addresses files addresses; what is none is kept aside.
func (nb *Neighbor) addresses(texts []string) {
	for _, text := range nonEmpty(texts) {
		if checkIPPattern(text) == nil {
			nb.IPAddresses = append(nb.IPAddresses, text)
		} else {
			nb.keepText(keepIPAddresses, text)
		}
	}
}

func (r *reader) port(n *node) Port {
	var p Port
	for _, field := range r.fields(n) {
		switch field.key {
		case "name":
			p.Name = r.text(field)
		case "protocol":
			p.Protocol = r.text(field)
		case "port":
			p.Port = r.portNumber(field)
		}
	}
	return p
}

// portNumber reads a port; null leaves it open.
func (r *reader) portNumber(n *node) string {
	text := r.text(n)
	if text == "" {
		return ""
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		r.fail(n, "want a port number, got %q", text)
	}
	return strconv.FormatUint(port, 10)
}

// selector reads a label selector. An empty one matches everything and none
// matches nothing, a difference that an empty map cannot carry; so it is kept
// aside.
func (r *reader) selector(nb *Neighbor, n *node) map[string]any {
	if isNull(n.ast) {
		return nil
	}
	selector, ok := r.any(n).(map[string]any)
	if !ok {
		r.fail(n, "want a label selector")
		return nil
	}
	if len(selector) == 0 {
		nb.keep(n.key, selector)
		return nil
	}
	return selector
}

func (nb *Neighbor) keep(key string, value any) {
	if value == nil || value == "" {
		return
	}
	if nb.Kubescape == nil {
		nb.Kubescape = make(map[string]any)
	}
	nb.Kubescape[key] = value
}

func (nb *Neighbor) keepText(key, text string) {
	kept, _ := nb.Kubescape[key].([]any)
	if slices.Contains(kept, any(text)) {
		return
	}
	kept = append(kept, text)
	slices.SortFunc(kept, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	nb.keep(key, kept)
}

func nonEmpty(texts []string) []string {
	var kept []string
	for _, text := range texts {
		if text != "" {
			kept = append(kept, text)
		}
	}
	return kept
}
