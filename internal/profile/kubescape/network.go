package kubescape

import (
	"slices"
	"strconv"
	"strings"

	"bobwatch/internal/glob"
	"bobwatch/internal/profile"
	"bobwatch/internal/yamlfile"
)

// Keys of Neighbor.Kubescape for entries of lists that match nothing.
const (
	keepDNSNames    = "dnsNames"
	keepIPAddresses = "ipAddresses"
)

// neighbors reads an ingress or egress list. The deprecated fields for one
// name and one address are joined with their lists.
func (r docReader) neighbors(n *yamlfile.Node) []profile.Neighbor {
	var neighbors []profile.Neighbor
	for _, item := range r.Items(n) {
		neighbors = append(neighbors, r.neighbor(item))
	}
	return neighbors
}

func (r docReader) neighbor(n *yamlfile.Node) profile.Neighbor {
	var nb profile.Neighbor
	for _, field := range r.Fields(n) {
		switch field.Key {
		case "identifier":
			nb.Identifier = r.Text(field)
		case "type":
			nb.Type = r.Text(field)
		case "dns", "dnsNames":
			r.dnsNames(&nb, field)
		case "ipAddress", "ipAddresses":
			keepAddresses(&nb, r.Strings(field))
		case "ports":
			for _, port := range r.Items(field) {
				nb.Ports = append(nb.Ports, r.port(port))
			}
		case "podSelector":
			nb.PodSelector = r.selector(&nb, field)
		case "namespaceSelector":
			nb.NamespaceSelector = r.selector(&nb, field)
		default:
			keep(&nb, field.Key, r.Any(field))
		}
	}
	return nb
}

// dnsNames reads names. Like Kubescape it refuses a wildcard that would not be matched as
// it seems to be meant. It keeps a name aside that no program can look up, such as the
// root's.
func (r docReader) dnsNames(nb *profile.Neighbor, n *yamlfile.Node) {
	for _, element := range r.Elements(n) {
		name := r.Text(element)
		err := glob.CheckDNS(name)
		switch {
		case name == "":
		case err == nil:
			nb.DNSNames = append(nb.DNSNames, name)
		case strings.Contains(name, glob.Wildcard) || strings.Contains(name, glob.Dynamic):
			r.Fail(element, "%s", err)
		default:
			keepText(nb, keepDNSNames, name)
		}
	}
}

// keepAddresses adds addresses to nb, and keeps other texts aside.
func keepAddresses(nb *profile.Neighbor, texts []string) {
	for _, text := range nonEmpty(texts) {
		if glob.CheckIP(text) == nil {
			nb.IPAddresses = append(nb.IPAddresses, text)
		} else {
			keepText(nb, keepIPAddresses, text)
		}
	}
}

func (r docReader) port(n *yamlfile.Node) profile.Port {
	var p profile.Port
	for _, field := range r.Fields(n) {
		switch field.Key {
		case "name":
			p.Name = r.Text(field)
		case "protocol":
			p.Protocol = r.Text(field)
		case "port":
			p.Port = r.portNumber(field)
		}
	}
	return p
}

// portNumber reads a port; null leaves it open.
func (r docReader) portNumber(n *yamlfile.Node) string {
	text := r.Text(n)
	if text == "" {
		return ""
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		r.Fail(n, "want a port number, got %q", text)
	}
	return strconv.FormatUint(port, 10)
}

// selector reads a label selector. An empty one matches everything and none
// matches nothing, a difference that an empty map cannot carry; so it is kept
// aside.
func (r docReader) selector(nb *profile.Neighbor, n *yamlfile.Node) map[string]any {
	if n.Null() {
		return nil
	}
	selector, ok := r.Any(n).(map[string]any)
	if !ok {
		r.Fail(n, "want a label selector")
		return nil
	}
	if len(selector) == 0 {
		keep(nb, n.Key, selector)
		return nil
	}
	return selector
}

func keep(nb *profile.Neighbor, key string, value any) {
	if value == nil || value == "" {
		return
	}
	if nb.Kubescape == nil {
		nb.Kubescape = make(map[string]any)
	}
	nb.Kubescape[key] = value
}

func keepText(nb *profile.Neighbor, key, text string) {
	kept, _ := nb.Kubescape[key].([]any)
	if slices.Contains(kept, any(text)) {
		return
	}
	kept = append(kept, text)
	slices.SortFunc(kept, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	keep(nb, key, kept)
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
