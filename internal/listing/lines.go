package listing

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bobwatch/internal/profile"
	"bobwatch/internal/term"
)

// Selection says whom a document applies to.
func Selection(w profile.Workload) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s in ", cmp.Or(w.Kind, "any workload"), cmp.Or(w.Name, "of any name"))
	if w.Namespace == "" {
		b.WriteString("any namespace")
	} else {
		b.WriteString("namespace " + w.Namespace)
	}
	for _, key := range slices.Sorted(maps.Keys(w.Labels)) {
		fmt.Fprintf(&b, ", %s=%s", key, w.Labels[key])
	}
	return term.Printable(b.String())
}

func provenance(p profile.Provenance) string {
	var parts []string
	add := func(format, value string) {
		if value != "" {
			parts = append(parts, fmt.Sprintf(format, term.Word(value)))
		}
	}
	add("%s", string(p.Completeness))
	add("learned for %s", p.LearnedFor)
	add("from %s", p.From)
	if reasons := p.PartialReasons(); len(reasons) > 0 {
		parts = append(parts, strings.Join(reasons, ", "))
	} else if p.Lost > 0 {
		add("%s records lost", fmt.Sprint(p.Lost))
	}
	if len(p.Kernels) > 0 {
		parts = append(parts, "kernels "+term.JoinWords(p.Kernels))
	}
	return cmp.Or(strings.Join(parts, ", "), "not stated")
}

func parameterLine(p profile.Parameter) string {
	line := fmt.Sprintf("%s (%s", term.Word(p.Name), p.Kind)
	if p.Default != "" {
		line += ", default " + term.Word(p.Default)
	}
	if p.WidestPrefix > 0 {
		line += fmt.Sprintf(", at most /%d", p.WidestPrefix)
	}
	return line + ")"
}

// Exec writes an execution in a line.
func Exec(e profile.Exec) string {
	switch {
	case len(e.Args) > 0:
		return term.Word(e.Path) + ": " + term.JoinWords(e.Args)
	case e.ArgsRequired:
		return term.Word(e.Path) + ": (no arguments)"
	}
	return term.Word(e.Path) + ": (any arguments)"
}

// Open writes an open in a line.
func Open(o profile.Open) string {
	return strings.TrimSpace(term.Word(o.Path) + " " + term.JoinWords(o.Flags))
}

func directoryLine(d profile.Directory) string {
	return strings.TrimSpace(term.Word(d.Path) + " " + string(d.Class) + " " + term.JoinWords(d.Flags))
}

func neighborLine(n profile.Neighbor) string {
	var parts []string
	if n.Type != "" || len(n.Entities)+len(n.DNSNames)+len(n.IPAddresses) == 0 {
		parts = append(parts, cmp.Or(n.Type, "any"))
	}
	parts = append(parts, n.Entities...)
	parts = append(parts, n.DNSNames...)
	parts = append(parts, n.IPAddresses...)
	for _, port := range n.Ports {
		parts = append(parts, portWord(port))
	}
	if len(n.PodSelector)+len(n.NamespaceSelector) > 0 {
		parts = append(parts, "selected-pods")
	}
	return term.JoinWords(parts)
}

// portWord writes a port as PROTOCOL:PORT, PROTOCOL:FIRST-LAST or PROTOCOL.
func portWord(p profile.Port) string {
	word := strings.TrimSuffix(p.Protocol+":"+p.Port, ":")
	if p.EndPort != "" {
		word += "-" + p.EndPort
	}
	return word
}

// Counts counts the entries of a container.
func Counts(c *profile.Container) string {
	calls := 0
	for _, names := range c.Syscalls {
		calls = max(calls, len(names))
	}
	title := "every container"
	if c.Name != "" {
		title = "container " + term.Word(c.Name)
	}
	return fmt.Sprintf("%s: %d syscalls, %d execs, %d opens", title, calls, len(c.Execs), len(c.Opens))
}

// Subject names whom an allowance is for.
func Subject(p *profile.Profile) string {
	w, c := p.Spec.Workload, p.Spec.Containers[0]
	subject := term.Word(w.Namespace + "/" + w.Kind + "/" + w.Name)
	switch typ := strings.TrimPrefix(string(c.Type)+" container", " "); c.Name {
	case "":
		return subject + ", every " + typ
	default:
		return subject + ", " + typ + " " + term.Word(c.Name)
	}
}

// Acts writes the acts of an allowance, one a line.
func Acts(p *profile.Profile, sign byte) string {
	var b strings.Builder
	c := p.Spec.Containers[0]
	for _, arch := range slices.Sorted(maps.Keys(c.Syscalls)) {
		for _, name := range c.Syscalls[arch] {
			fmt.Fprintf(&b, "  %c syscall %s (%s)\n", sign, name, arch)
		}
	}
	for _, e := range c.Execs {
		fmt.Fprintf(&b, "  %c exec %s\n", sign, Exec(e))
	}
	for _, open := range c.Opens {
		fmt.Fprintf(&b, "  %c open %s %s\n", sign, term.Word(open.Path), term.JoinWords(open.Flags))
	}
	for _, change := range c.Changes {
		fmt.Fprintf(&b, "  %c change %s\n", sign, Change(change))
	}
	for _, d := range c.Directories {
		fmt.Fprintf(&b, "  %c directory %s\n", sign, directoryLine(d))
	}
	networkActs(&b, &c.Network, sign)
	return b.String()
}

func networkActs(b *strings.Builder, n *profile.Network, sign byte) {
	for _, peer := range n.Egress {
		fmt.Fprintf(b, "  %c egress %s\n", sign, neighborLine(peer))
	}
	for _, peer := range n.Ingress {
		fmt.Fprintf(b, "  %c ingress %s\n", sign, neighborLine(peer))
	}
	for _, p := range n.Listens {
		fmt.Fprintf(b, "  %c listen %s\n", sign, term.Word(portWord(p)))
	}
	for _, name := range n.Sockets {
		fmt.Fprintf(b, "  %c socket %s\n", sign, term.Word(name))
	}
	for _, path := range n.Unix {
		fmt.Fprintf(b, "  %c unix %s\n", sign, term.Word(path))
	}
}

// Change writes a change of files on one line.
func Change(c profile.Change) string {
	return term.Word(c.Path) + " " + term.JoinWords(c.Acts)
}
