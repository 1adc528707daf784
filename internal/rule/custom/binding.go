package custom

import (
	"path"
	"slices"
	"strings"
	"time"

	"bobwatch/internal/event"
	"bobwatch/internal/rule/builtin"
	"bobwatch/internal/rule/cel"
	"bobwatch/internal/severity"
)

// Binding says to which containers rules apply: a RuleBinding of ours, or a
// RuntimeRuleAlertBinding of Kubescape.
type Binding struct {
	Name string
	// Namespace limits the binding to itself; empty for a binding of the cluster.
	Namespace string
	// DryRun counts acts and reports none.
	DryRun bool
	// Expires is when the binding ends; zero for never. Reason is its author's.
	Expires time.Time
	Reason  string

	namespaces, pods selector
	rules            []reference
}

// reference is an entry of a binding: it names rules in one of three ways.
type reference struct {
	id, name   string
	tags       []string
	severity   severity.Severity
	graded     bool
	parameters parameters
}

// bound is a rule's place in a binding.
type bound struct {
	binding    *Binding
	severity   severity.Severity
	parameters parameters
}

func (r *reference) names(rule *Rule) bool {
	switch {
	case r.id != "":
		return r.id == string(rule.ID)
	case r.name != "":
		return r.name == rule.Name
	}
	return slices.ContainsFunc(r.tags, func(tag string) bool { return slices.Contains(rule.Tags, tag) })
}

// namespaceLabel is the only label of a namespace that the agent knows.
const namespaceLabel = "kubernetes.io/metadata.name"

func (b *Binding) selects(c *builtin.Container, now time.Time) bool {
	switch {
	case b.Namespace != "" && b.Namespace != c.Namespace,
		!b.Expires.IsZero() && now.After(b.Expires):
		return false
	}
	return b.namespaces.matches(func(key string) (string, bool) { return c.Namespace, key == namespaceLabel }) &&
		b.pods.matches(func(key string) (string, bool) {
			value, ok := c.Labels[key]
			return value, ok
		})
}

// selector is a label selector of Kubernetes. The empty one selects all.
type selector []requirement

type requirement struct {
	key, operator string
	values        []string
}

func (s selector) matches(label func(key string) (string, bool)) bool {
	for i := range s {
		if !s[i].holds(label(s[i].key)) {
			return false
		}
	}
	return true
}

func (r *requirement) holds(value string, ok bool) bool {
	switch r.operator {
	case "In":
		return ok && slices.Contains(r.values, value)
	case "NotIn":
		return !ok || !slices.Contains(r.values, value)
	case "Exists":
		return ok
	}
	return !ok // DoesNotExist
}

// parameters narrow a rule to some acts, before its expressions are asked.
type parameters struct {
	ignorePrefixes, includePrefixes []string
	ports                           []uint16
	excludeProcesses                []excluded
	excludeParents                  []excluded
	direction                       string
}

// excluded is a program; both have to match if both are given.
type excluded struct{ name, path string }

func (p *parameters) allow(s *cel.Subject) bool {
	e := s.Event
	switch e.Kind {
	case event.KindExec, event.KindOpen:
		if hasPrefix(e.Path, p.ignorePrefixes) || len(p.includePrefixes) > 0 && !hasPrefix(e.Path, p.includePrefixes) {
			return false
		}
	case event.KindConnection:
		if len(p.ports) > 0 && !slices.Contains(p.ports, e.Connection.Port) || p.direction != "" && p.direction != directionOf(e) {
			return false
		}
	}
	if e.Kind != event.KindExec {
		return true
	}
	for _, x := range p.excludeProcesses {
		if x.matches(e.Process.CommString(), string(e.Path)) {
			return false
		}
	}
	return e.NAncestors == 0 || !slices.ContainsFunc(p.excludeParents, func(x excluded) bool {
		return x.path == "" && x.matches(e.Ancestors[0].CommString(), "")
	})
}

func (x excluded) matches(comm, file string) bool {
	return (x.name == "" || x.name == comm || x.name == path.Base(file)) && (x.path == "" || x.path == file)
}

func directionOf(e *event.Event) string {
	if e.Connection.Direction == event.Egress {
		return "outbound"
	}
	return "inbound"
}

func hasPrefix(path []byte, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(string(path), prefix) })
}
