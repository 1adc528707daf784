package profile

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"bobwatch/internal/names"
)

// Normalise returns p in the one form all its spellings share: lists sorted
// and without duplicates, opens of one path joined, empty lists and maps nil,
// the container type "container" left out and the parameter kind "string"
// written. What p allows does not change.
func Normalise(p *Profile) *Profile {
	n := *p
	n.Metadata.Labels = nonEmptyMap(p.Metadata.Labels)
	n.Metadata.Annotations = nonEmptyMap(p.Metadata.Annotations)
	n.Spec.Parameters = normaliseParameters(p.Spec.Parameters)
	n.Spec.Workload.Labels = nonEmptyMap(p.Spec.Workload.Labels)
	n.Spec.Senses = normaliseSenses(p.Spec.Senses)
	n.Spec.Containers = normaliseContainers(p.Spec.Containers)
	n.Spec.Provenance.Kernels = sortedSet(p.Spec.Provenance.Kernels)
	n.Spec.Provenance.Runtimes = sortedSet(p.Spec.Provenance.Runtimes)
	n.Spec.Provenance.Agents = sortedSet(p.Spec.Provenance.Agents)
	n.Spec.Kubescape = nonEmptyMap(p.Spec.Kubescape)
	return &n
}

// normaliseParameters sorts by name. Parse and Merge see to it that a name
// occurs once; of several the first stays.
func normaliseParameters(parameters []Parameter) []Parameter {
	if len(parameters) == 0 {
		return nil
	}
	sorted := slices.Clone(parameters)
	for i := range sorted {
		sorted[i].Kind = cmp.Or(sorted[i].Kind, ParameterString)
	}
	byName := func(a, b Parameter) int { return cmp.Compare(a.Name, b.Name) }
	slices.SortStableFunc(sorted, byName)
	return slices.CompactFunc(sorted, func(a, b Parameter) bool { return byName(a, b) == 0 })
}

// normaliseContainers joins the entries of one container and sorts by type and
// name.
func normaliseContainers(containers []Container) []Container {
	byKey := make(map[containerKey]Container, len(containers))
	for _, c := range containers {
		c = normaliseContainer(c)
		if have, ok := byKey[c.key()]; ok {
			c = mergeContainers(have, c)
		}
		byKey[c.key()] = c
	}
	if len(byKey) == 0 {
		return nil
	}
	return slices.SortedFunc(maps.Values(byKey), func(a, b Container) int { return a.key().compare(b.key()) })
}

// containerKey identifies a container of a document.
type containerKey struct {
	typ  ContainerType
	name string
}

func (c *Container) key() containerKey {
	if c.Type == ContainerRegular {
		return containerKey{name: c.Name}
	}
	return containerKey{typ: c.Type, name: c.Name}
}

func (k containerKey) compare(o containerKey) int {
	return cmp.Or(cmp.Compare(k.typ, o.typ), cmp.Compare(k.name, o.name))
}

func normaliseContainer(c Container) Container {
	c.Type = c.key().typ
	c.Images = sortedSet(c.Images)
	c.Syscalls = normaliseSyscalls(c.Syscalls)
	c.Execs = NormaliseExecs(c.Execs)
	c.Opens = NormaliseOpens(c.Opens)
	c.Changes = NormaliseChanges(c.Changes)
	c.Directories = NormaliseDirectories(c.Directories)
	c.Support = sortedSet(c.Support)
	c.Capabilities = sortedSet(c.Capabilities)
	c.Network = NormaliseNetwork(c.Network)
	c.Endpoints = normaliseEndpoints(c.Endpoints)
	c.Kubescape = nonEmptyMap(c.Kubescape)
	return c
}

func normaliseSyscalls(syscalls map[string][]string) map[string][]string {
	byArch := make(map[string][]string, len(syscalls))
	for arch, names := range syscalls {
		if len(names) > 0 {
			byArch[arch] = sortedSet(names)
		}
	}
	return nonEmptyMap(byArch)
}

// NormaliseExecs returns the distinct executions in order.
func NormaliseExecs(execs []Exec) []Exec {
	sorted := slices.Clone(execs)
	for i := range sorted {
		sorted[i].Path = names.CanonicalPath(sorted[i].Path)
		sorted[i].Args = nonEmptySlice(sorted[i].Args)
		sorted[i].Envs = sortedSet(sorted[i].Envs)
	}
	slices.SortFunc(sorted, compareExecs)
	return nonEmptySlice(slices.CompactFunc(sorted, func(a, b Exec) bool { return compareExecs(a, b) == 0 }))
}

func compareExecs(a, b Exec) int {
	return cmp.Or(
		cmp.Compare(a.Path, b.Path),
		slices.Compare(a.Args, b.Args),
		slices.Compare(a.Envs, b.Envs),
		compareBools(a.ArgsRequired, b.ArgsRequired),
	)
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// NormaliseOpens returns the opens in order, those of one path joined.
func NormaliseOpens(opens []Open) []Open {
	sorted := slices.Clone(opens)
	for i := range sorted {
		sorted[i].Path = names.CanonicalPath(sorted[i].Path)
	}
	slices.SortStableFunc(sorted, func(a, b Open) int { return cmp.Compare(a.Path, b.Path) })
	joined := sorted[:0]
	for _, open := range sorted {
		open.Flags = sortedSet(open.Flags)
		if last := len(joined) - 1; last >= 0 && joined[last].Path == open.Path {
			joined[last].Flags = JoinFlags(joined[last].Flags, open.Flags)
			continue
		}
		joined = append(joined, open)
	}
	return nonEmptySlice(joined)
}

// JoinFlags returns the flags of an open that allows what either of two
// allows. A list without access flags allows every access, so it takes the
// access flags of the other away.
func JoinFlags(a, b []string) []string {
	joined := sortedSet(append(slices.Clone(a), b...))
	if slices.ContainsFunc(a, IsAccessFlag) && slices.ContainsFunc(b, IsAccessFlag) {
		return joined
	}
	return nonEmptySlice(slices.DeleteFunc(joined, IsAccessFlag))
}

// NormaliseNetwork returns n as Normalise would have it.
func NormaliseNetwork(n Network) Network {
	return Network{
		Egress:  normaliseNeighbors(n.Egress),
		Ingress: normaliseNeighbors(n.Ingress),
		Listens: sortedByJSON(n.Listens),
		Sockets: sortedSet(n.Sockets),
		Unix:    sortedSet(n.Unix),
	}
}

// normaliseNeighbors keeps neighbors whole: joining the ports of one with the
// addresses of another would allow pairs that neither had.
func normaliseNeighbors(neighbors []Neighbor) []Neighbor {
	normal := slices.Clone(neighbors)
	for i := range normal {
		n := &normal[i]
		n.DNSNames = sortedSet(n.DNSNames)
		n.IPAddresses = sortedSet(n.IPAddresses)
		n.Entities = sortedSet(n.Entities)
		n.Ports = sortedByJSON(n.Ports)
		n.Kubescape = nonEmptyMap(n.Kubescape)
	}
	return sortedByJSON(normal)
}

func normaliseEndpoints(endpoints []Endpoint) []Endpoint {
	normal := slices.Clone(endpoints)
	for i := range normal {
		normal[i].Methods = sortedSet(normal[i].Methods)
		normal[i].Headers = nonEmptyMap(normal[i].Headers)
	}
	return sortedByJSON(normal)
}

// sortedByJSON returns the distinct elements in the order of their JSON texts.
// Elements hold only what Parse reads, which can always be written as JSON.
func sortedByJSON[T any](elements []T) []T {
	type entry struct {
		text  string
		value T
	}
	entries := make([]entry, len(elements))
	for i, element := range elements {
		entries[i] = entry{text: jsonText(element), value: element}
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return strings.Compare(a.text, b.text) })
	entries = slices.CompactFunc(entries, func(a, b entry) bool { return a.text == b.text })
	var sorted []T
	for _, e := range entries {
		sorted = append(sorted, e.value)
	}
	return sorted
}

// jsonText returns v as JSON in the form of RFC 8785, and "" for a value that JSON cannot
// express, which Parse never returns.
func jsonText(v any) string {
	text, err := canonicalJSON([]any{v}) // RFC 8785 is about documents
	if err != nil {
		return ""
	}
	return string(text[1 : len(text)-1])
}

// sortedSet returns the distinct texts in order, nil for none.
func sortedSet(texts []string) []string {
	if len(texts) == 0 {
		return nil
	}
	sorted := slices.Clone(texts)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

func nonEmptySlice[T any](s []T) []T {
	if len(s) == 0 {
		return nil
	}
	return s
}

func nonEmptyMap[V any](m map[string]V) map[string]V {
	if len(m) == 0 {
		return nil
	}
	return m
}
