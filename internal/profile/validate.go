package profile

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"bobwatch/internal/event"
	"bobwatch/internal/glob"
	"bobwatch/internal/names"
	"bobwatch/internal/peer"
	"bobwatch/internal/support"
	"bobwatch/internal/syscalls"
	"bobwatch/internal/yamlfile"
)

// validator checks constraints that types cannot express.
type validator struct {
	*yamlfile.Reader
	root *yamlfile.Node
}

// at finds the node at a place of the document: keys and indexes. It returns
// the deepest node of the way that exists.
func (v *validator) at(place ...any) *yamlfile.Node {
	n := v.root
	if v.Full() {
		return n // the error is dropped: finding its place takes time that a hostile document chooses
	}
	quiet := &yamlfile.Reader{}
	for _, step := range place {
		var next *yamlfile.Node
		switch step := step.(type) {
		case string:
			next = quiet.Lookup(n, step)
		case int:
			if items := quiet.AllItems(n); step < len(items) {
				next = items[step]
			}
		}
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

var (
	parameterName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,62}$`)
	syscallName   = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)
)

func (v *validator) profile(p *Profile) {
	if p.APIVersion != APIVersion {
		v.Fail(v.at("apiVersion"), "apiVersion %q: want %q", p.APIVersion, APIVersion)
	}
	if p.Kind != Kind {
		v.Fail(v.at("kind"), "kind %q: want %q", p.Kind, Kind)
	}
	if p.Metadata.Name == "" {
		v.Fail(v.at("metadata", "name"), "a document needs a name")
	}
	v.parameters(p.Spec.Parameters)
	for i, sense := range p.Spec.Senses {
		if !slices.Contains(AllSenses, sense) {
			v.Fail(v.at("spec", "senses", i), "sense %q: want one of %v", sense, AllSenses)
		}
	}
	v.provenance(p.Spec.Provenance)
	first := make(map[containerKey]int)
	for i := range p.Spec.Containers {
		c := &p.Spec.Containers[i]
		if have, ok := first[c.key()]; ok {
			v.Fail(v.at("spec", "containers", i, "name"), "container %q is spec.containers[%d] already", c.Name, have)
			continue
		}
		first[c.key()] = i
		v.container(c, i)
	}
}

func (v *validator) parameters(parameters []Parameter) {
	kinds := []ParameterKind{"", ParameterString, ParameterCIDR, ParameterPort, ParameterSegment}
	first := make(map[string]int)
	for i, p := range parameters {
		if !parameterName.MatchString(p.Name) {
			v.Fail(v.at("spec", "parameters", i, "name"), "name %q: want a letter or '_', then letters, digits, '_', '.' or '-'", p.Name)
		}
		if !slices.Contains(kinds, p.Kind) {
			v.Fail(v.at("spec", "parameters", i, "kind"), "kind %q: want string, cidr, port or segment", p.Kind)
		}
		if p.WidestPrefix > 128 {
			v.Fail(v.at("spec", "parameters", i, "widestPrefix"), "want at most 128 bits")
		}
		if have, ok := first[p.Name]; ok {
			v.Fail(v.at("spec", "parameters", i, "name"), "parameter %q is spec.parameters[%d] already", p.Name, have)
		}
		first[p.Name] = i
	}
}

func (v *validator) provenance(p Provenance) {
	if _, ok := completenessRank[p.Completeness]; !ok {
		v.Fail(v.at("spec", "provenance", "completeness"), "%q: want complete, partial or learning", p.Completeness)
	}
	if _, ok := fromRank[p.From]; !ok {
		v.Fail(v.at("spec", "provenance", "from"), "%q: want start or attach", p.From)
	}
	if p.LearnedFor == "" {
		return
	}
	if d, err := time.ParseDuration(p.LearnedFor); err != nil || d < 0 {
		v.Fail(v.at("spec", "provenance", "learnedFor"), "%q: want a duration such as 24h", p.LearnedFor)
	}
}

func (v *validator) container(c *Container, i int) {
	place := func(steps ...any) *yamlfile.Node {
		return v.at(slices.Concat([]any{"spec", "containers", i}, steps)...)
	}
	switch c.Type {
	case "", ContainerRegular, ContainerInit, ContainerEphemeral:
	default:
		v.Fail(place("type"), "type %q: want container, init or ephemeral", c.Type)
	}
	for arch, calls := range c.Syscalls {
		if !syscalls.Supported(arch) {
			v.Fail(place("syscalls", arch), "architecture %q: want amd64, arm64, 386 or arm", arch)
		}
		for j, name := range calls {
			if !syscallName.MatchString(name) {
				v.Fail(place("syscalls", arch, j), "%q is not the name of a system call", name)
			}
		}
	}
	for j, exec := range c.Execs {
		if exec.Path == "" {
			v.Fail(place("execs", j, "path"), "an execution needs a path")
		}
		v.spelling(exec.Path, func() *yamlfile.Node { return place("execs", j, "path") })
		for k, arg := range exec.Args {
			v.spelling(arg, func() *yamlfile.Node { return place("execs", j, "args", k) })
		}
	}
	for j, open := range c.Opens {
		if open.Path == "" {
			v.Fail(place("opens", j, "path"), "an open needs a path")
		}
		v.spelling(open.Path, func() *yamlfile.Node { return place("opens", j, "path") })
		for k, flag := range open.Flags {
			if !IsFlag(flag) {
				v.Fail(place("opens", j, "flags", k), "%q is not a flag such as O_RDONLY", flag)
			}
		}
	}
	v.changes(c, place)
	v.directories(c.Directories, place)
	v.network(c, place)
	for j, id := range c.Support {
		if _, ok := support.Lookup(id); !ok {
			v.Fail(place("support", j), "support set %q: this version does not know it", id)
		}
	}
	v.neighbors(c.Network.Egress, func(steps ...any) *yamlfile.Node {
		return place(slices.Concat([]any{"network", "egress"}, steps)...)
	})
	v.neighbors(c.Network.Ingress, func(steps ...any) *yamlfile.Node {
		return place(slices.Concat([]any{"network", "ingress"}, steps)...)
	})
}

func (v *validator) changes(c *Container, place func(...any) *yamlfile.Node) {
	for i, change := range c.Changes {
		if change.Path == "" {
			v.Fail(place("changes", i, "path"), "a change needs a path")
		}
		if len(change.Acts) == 0 {
			v.Fail(place("changes", i), "a change needs acts: some of %s", event.ChangeNames())
		}
		v.spelling(change.Path, func() *yamlfile.Node { return place("changes", i, "path") })
		for j, act := range change.Acts {
			if _, ok := event.ParseChangeAct(act); !ok {
				v.Fail(place("changes", i, "acts", j), "act %q: want one of %s", act, event.ChangeNames())
			}
		}
	}
}

func (v *validator) directories(directories []Directory, place func(...any) *yamlfile.Node) {
	for i, d := range directories {
		if d.Itself() == "" {
			v.Fail(place("directories", i, "path"), "path %q: want a directory and then /⋯ or /*", d.Path)
		}
		v.spelling(d.Path, func() *yamlfile.Node { return place("directories", i, "path") })
		if !slices.Contains(DirectoryClasses, d.Class) {
			v.Fail(place("directories", i, "class"), "class %q: want one of %v", d.Class, DirectoryClasses)
		}
		if d.Class != DirectoryData && len(d.Flags) > 0 {
			v.Fail(place("directories", i, "flags"), "only directories of class %s have flags", DirectoryData)
		}
		for j, flag := range d.Flags {
			if !IsFlag(flag) {
				v.Fail(place("directories", i, "flags", j), "%q is not a flag such as O_RDONLY", flag)
			}
		}
	}
}

// spelling refuses brackets that mean nothing. To find the place of an error
// takes time that grows with the document.
func (v *validator) spelling(text string, place func() *yamlfile.Node) {
	if err := names.Check(text); err != nil {
		v.Fail(place(), "%s; write a ⟦ as ⟦e29fa6⟧", err)
	}
}

// network checks the texts that stand for sets of their own.
func (v *validator) network(c *Container, place func(...any) *yamlfile.Node) {
	for i, name := range c.Network.Sockets {
		if _, ok := event.ParseSocket(name); !ok {
			v.Fail(place("network", "sockets", i), "%q is no family of sockets such as netlink or inet/raw", name)
		}
	}
	v.ports(c.Network.Listens, func(steps ...any) *yamlfile.Node {
		return place(slices.Concat([]any{"network", "listens"}, steps)...)
	})
}

func (v *validator) ports(ports []Port, place func(...any) *yamlfile.Node) {
	for i, p := range ports {
		low, high, ok := p.span()
		if p.Port != "" && !hasParameter(p.Port+p.EndPort) && (!ok || low > high || high > 65535) {
			v.Fail(place(i, "port"), "%q to %q: want ports from 0 to 65535", p.Port, p.EndPort)
		}
	}
}

func (v *validator) neighbors(neighbors []Neighbor, place func(...any) *yamlfile.Node) {
	for i, n := range neighbors {
		for j, name := range n.DNSNames {
			if err := glob.CheckDNS(name); err != nil && !hasParameter(name) {
				v.Fail(place(i, "dnsNames", j), "%s", err)
			}
		}
		for j, name := range n.Entities {
			if _, ok := peer.Parse(name); !ok {
				v.Fail(place(i, "entities", j), "%q: want one of %s", name, strings.Join(peer.Names(), ", "))
			}
		}
		for j, address := range n.IPAddresses {
			if err := glob.CheckIP(address); err != nil && !hasParameter(address) {
				v.Fail(place(i, "ipAddresses", j), "%s", err)
			}
		}
	}
}

// hasParameter reports whether text may hold a $(name) that is yet to be bound.
func hasParameter(text string) bool { return reference.MatchString(text) }
