package kubescape

import (
	"maps"
	"slices"
	"strings"

	"bobwatch/internal/profile"
)

// behaviourFields returns the fields of a container in an ApplicationProfile, except
// its name.
func behaviourFields(c *profile.Container) map[string]any {
	if len(c.Support)+len(c.Directories) > 0 {
		expanded := profile.Expand(*c)
		c = &expanded
	}
	out := make(map[string]any)
	for key, value := range c.Kubescape {
		if entryKeys[key] == nil && key != KeySyscalls {
			out[key] = value
		}
	}
	exportImages(out, c.Images)
	setList(out, "capabilities", anyList(c.Capabilities))
	setList(out, KeySyscalls, anyList(exportSyscalls(c)))
	setList(out, keepExecs, exportEntries(c, keepExecs, c.Execs, execEntry))
	setList(out, keepOpens, exportEntries(c, keepOpens, c.Opens, openEntry))
	setList(out, keepEndpoints, exportEntries(c, keepEndpoints, c.Endpoints, endpointEntry))
	return out
}

// networkFields returns the fields of a container in a NetworkNeighborhood, except
// its name.
func networkFields(c *profile.Container) map[string]any {
	out := make(map[string]any)
	setList(out, "ingress", exportNeighbors(c.Network.Ingress))
	setList(out, "egress", exportNeighbors(c.Network.Egress))
	return out
}

// exportImages writes at most two images: the id, which has a digest, and the
// tag.
func exportImages(out map[string]any, images []string) {
	if len(images) == 0 {
		return
	}
	id := max(0, slices.IndexFunc(images, func(image string) bool { return strings.Contains(image, "sha256:") }))
	tag := id
	for i := range images {
		if i != id {
			tag = i
			break
		}
	}
	out["imageID"], out["imageTag"] = images[id], images[tag]
}

// exportSyscalls joins the lists of all architectures, for there is one there.
func exportSyscalls(c *profile.Container) []string {
	var names []string
	for _, list := range c.Syscalls {
		names = append(names, list...)
	}
	if unknown, ok := c.Kubescape[KeySyscalls].([]any); ok {
		for _, name := range unknown {
			if name, ok := name.(string); ok {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// exportEntries writes a list, with the further fields of its entries that
// Container.Kubescape keeps. It drops fields of entries that are gone.
func exportEntries[E any](c *profile.Container, list string, entries []E, export func(E) map[string]any) []any {
	extra := make(map[string]map[string]any)
	kept, _ := c.Kubescape[list].([]any)
	for _, e := range kept {
		if e, ok := e.(map[string]any); ok {
			extra[entryIdentity(list, e)] = e
		}
	}
	var out []any
	for _, entry := range entries {
		fields := export(entry)
		if fields == nil {
			continue
		}
		for key, value := range extra[entryIdentity(list, fields)] {
			if _, known := fields[key]; !known {
				fields[key] = value
			}
		}
		out = append(out, fields)
	}
	return out
}

// execEntry returns nil for an execution that Kubescape cannot express.
func execEntry(e profile.Exec) map[string]any {
	path, how := writePath(e.Path)
	args, argsHow := writeArgs(e.Path, e.Args)
	if how == unsayable || argsHow == unsayable {
		return nil
	}
	out := map[string]any{"path": path}
	setList(out, "args", anyList(args))
	setList(out, "envs", anyList(e.Envs))
	if e.ArgsRequired {
		out["argsRequired"] = true
	}
	return out
}

// openEntry returns nil for an open that Kubescape cannot express.
func openEntry(o profile.Open) map[string]any {
	path, how := writePath(o.Path)
	if how == unsayable {
		return nil
	}
	out := map[string]any{"path": path}
	setList(out, "flags", anyList(o.Flags))
	return out
}

func endpointEntry(e profile.Endpoint) map[string]any {
	out := map[string]any{"endpoint": e.Endpoint, "internal": e.Internal}
	setList(out, "methods", anyList(e.Methods))
	if e.Direction != "" {
		out["direction"] = e.Direction
	}
	if len(e.Headers) > 0 {
		out["headers"] = e.Headers
	}
	return out
}

func exportNeighbors(neighbors []profile.Neighbor) []any {
	var out []any
	for _, nb := range neighbors {
		fields := maps.Clone(nb.Kubescape)
		if fields == nil {
			fields = make(map[string]any)
		}
		fields["identifier"], fields["type"] = nb.Identifier, nb.Type
		setList(fields, keepDNSNames, withKept(nb.DNSNames, nb.Kubescape[keepDNSNames]))
		setList(fields, keepIPAddresses, withKept(nb.IPAddresses, nb.Kubescape[keepIPAddresses]))
		var ports []any
		for _, port := range nb.Ports {
			ports = append(ports, exportPort(port))
		}
		setList(fields, "ports", ports)
		if nb.PodSelector != nil {
			fields["podSelector"] = nb.PodSelector
		}
		if nb.NamespaceSelector != nil {
			fields["namespaceSelector"] = nb.NamespaceSelector
		}
		out = append(out, fields)
	}
	return out
}

// withKept returns a list with the entries that were kept aside.
func withKept(texts []string, kept any) []any {
	more, _ := kept.([]any)
	return append(anyList(texts), more...)
}

func anyList(texts []string) []any {
	if len(texts) == 0 {
		return nil
	}
	list := make([]any, len(texts))
	for i, text := range texts {
		list[i] = text
	}
	return list
}

func setList(out map[string]any, key string, list []any) {
	if len(list) > 0 {
		out[key] = list
	}
}
