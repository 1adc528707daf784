package kubescape

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"bobwatch/internal/profile"
	"bobwatch/internal/syscalls"
	"bobwatch/internal/yamlfile"
)

// Keys of Container.Kubescape that this package gives a meaning when it writes
// Kubescape's formats. All other keys are fields of the container there.
const (
	KeySyscalls   = "syscalls"  // names no architecture of the document knows
	keepExecs     = "execs"     // entries that say more than an Exec holds
	keepOpens     = "opens"     // likewise
	keepEndpoints = "endpoints" // likewise
)

// entryKeys name the fields that identify the entries of a list.
var entryKeys = map[string][]string{
	keepExecs:     {"path", "args"},
	keepOpens:     {"path"},
	keepEndpoints: {"endpoint", "direction", "methods"},
}

// containerReader reads one container.
type containerReader struct {
	docReader
	c             profile.Container
	architectures []string
}

// container reads an entry of a list of containers.
func (r docReader) container(n *yamlfile.Node, typ profile.ContainerType, architectures []string) profile.Container {
	cr := containerReader{docReader: r, architectures: architectures}
	for _, field := range r.Fields(n) {
		if field.Key == "name" {
			cr.c.Name = r.Text(field)
		} else {
			cr.read(field)
		}
	}
	cr.c.Type = typ
	return cr.c
}

// read takes one field of a container.
func (r *containerReader) read(n *yamlfile.Node) {
	switch n.Key {
	case "imageID", "imageTag":
		if image := imageName(r.Text(n)); image != "" && !slices.Contains(r.c.Images, image) {
			r.c.Images = append(r.c.Images, image)
		}
	case "capabilities":
		for _, name := range r.Strings(n) {
			r.c.Capabilities = append(r.c.Capabilities, strings.TrimPrefix(strings.ToUpper(name), "CAP_"))
		}
	case "syscalls":
		r.syscalls(r.Strings(n))
	case keepExecs:
		for _, item := range r.Items(n) {
			r.exec(item)
		}
	case keepOpens:
		for _, item := range r.Items(n) {
			r.open(item)
		}
	case keepEndpoints:
		for _, item := range r.Items(n) {
			r.endpoint(item)
		}
	case "ingress":
		r.c.Network.Ingress = r.neighbors(n)
	case "egress":
		r.c.Network.Egress = r.neighbors(n)
	default:
		r.keep(n.Key, r.Any(n))
	}
}

// keep stores a value that has no place in a Container.
func (r *containerReader) keep(key string, value any) {
	if value == nil {
		return
	}
	if r.c.Kubescape == nil {
		r.c.Kubescape = make(map[string]any)
	}
	r.c.Kubescape[key] = value
}

// keepEntry stores the fields extra of an entry of list, together with those
// that identify it.
func (r *containerReader) keepEntry(list string, entry, extra map[string]any) {
	if len(extra) == 0 {
		return
	}
	kept := make(map[string]any)
	for _, key := range entryKeys[list] {
		if value := entry[key]; value != nil {
			kept[key] = value
		}
	}
	identity := entryIdentity(list, kept)
	entries, _ := r.c.Kubescape[list].([]any)
	for _, e := range entries {
		if e := e.(map[string]any); entryIdentity(list, e) == identity {
			maps.Copy(e, extra)
			return
		}
	}
	maps.Copy(kept, extra)
	entries = append(entries, kept)
	slices.SortFunc(entries, func(a, b any) int {
		return strings.Compare(entryIdentity(list, a.(map[string]any)), entryIdentity(list, b.(map[string]any)))
	})
	r.keep(list, entries)
}

// entryIdentity is equal for entries of list that are about the same thing.
func entryIdentity(list string, entry map[string]any) string {
	var identity []any
	for _, key := range entryKeys[list] {
		identity = append(identity, entry[key])
	}
	text, _ := json.Marshal(identity) // strings and lists of strings
	return string(text)
}

// syscalls files the names under the architectures that know them. A learned
// list does not say on which architecture a call was made.
func (r *containerReader) syscalls(names []string) {
	var unknown []any
	for _, name := range names {
		known := false
		for _, arch := range r.architectures {
			if _, ok := syscalls.Number(arch, name); !ok {
				continue
			}
			known = true
			if r.c.Syscalls == nil {
				r.c.Syscalls = make(map[string][]string)
			}
			r.c.Syscalls[arch] = append(r.c.Syscalls[arch], name)
		}
		if !known && !slices.Contains(unknown, any(name)) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		slices.SortFunc(unknown, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		r.keep(KeySyscalls, unknown)
	}
}

func (r *containerReader) exec(n *yamlfile.Node) {
	var e profile.Exec
	extra := make(map[string]any)
	for _, field := range r.Fields(n) {
		switch field.Key {
		case "path":
			e.Path = readPath(r.Text(field))
		case "args":
			for _, arg := range r.Arguments(field) {
				e.Args = append(e.Args, readArg(arg))
			}
		case "envs":
			e.Envs = r.Strings(field)
		case "argsRequired":
			e.ArgsRequired = r.Flag(field)
		default:
			setIfAny(extra, field.Key, r.Any(field))
		}
	}
	if e.Path == "" { // matches nothing there either
		return
	}
	r.c.Execs = append(r.c.Execs, e)
	r.keepEntry(keepExecs, execEntry(e), extra)
}

func (r *containerReader) open(n *yamlfile.Node) {
	var o profile.Open
	extra := make(map[string]any)
	for _, field := range r.Fields(n) {
		switch field.Key {
		case "path":
			o.Path = readPath(r.Text(field))
		case "flags":
			o.Flags = r.flags(field)
		default:
			setIfAny(extra, field.Key, r.Any(field))
		}
	}
	if o.Path == "" {
		return
	}
	r.c.Opens = append(r.c.Opens, o)
	r.keepEntry(keepOpens, openEntry(o), extra)
}

// flags reads the flags of an open, each by itself or several joined by "|".
// One that is none is an error: an open with fewer flags may allow more.
func (r *containerReader) flags(n *yamlfile.Node) []string {
	var flags []string
	for _, element := range r.Elements(n) {
		for flag := range strings.SplitSeq(r.Text(element), "|") {
			flag = strings.ToUpper(strings.TrimSpace(flag))
			if !profile.IsFlag(flag) {
				r.Fail(element, "%q is not a flag such as O_RDONLY", flag)
			}
			flags = append(flags, flag)
		}
	}
	return flags
}

func (r *containerReader) endpoint(n *yamlfile.Node) {
	var e profile.Endpoint
	extra := make(map[string]any)
	for _, field := range r.Fields(n) {
		switch field.Key {
		case "endpoint":
			e.Endpoint = r.Text(field)
		case "methods":
			e.Methods = r.Strings(field)
		case "internal":
			e.Internal = r.Flag(field)
		case "direction":
			e.Direction = r.Text(field)
		case "headers":
			e.Headers = r.headers(field)
		default:
			setIfAny(extra, field.Key, r.Any(field))
		}
	}
	if e.Endpoint == "" {
		return
	}
	r.c.Endpoints = append(r.c.Endpoints, e)
	r.keepEntry(keepEndpoints, endpointEntry(e), extra)
}

// headers reads HTTP headers: a mapping of lists or of strings, or the same as
// JSON in a string, because the field is raw JSON there.
func (r *containerReader) headers(n *yamlfile.Node) map[string][]string {
	if n.Null() {
		return nil
	}
	headers := make(map[string][]string)
	if n.Scalar() {
		text := r.Text(n)
		if text == "" {
			return nil
		}
		if err := json.Unmarshal([]byte(text), &headers); err != nil {
			r.Fail(n, "want headers as a mapping or as JSON: %v", err)
		}
	} else {
		for _, field := range r.Fields(n) {
			headers[field.Key] = r.Strings(field)
		}
	}
	if len(headers) == 0 {
		return nil
	}
	return headers
}

func setIfAny(table map[string]any, key string, value any) {
	if value != nil {
		table[key] = value
	}
}

// imageName strips the scheme that container runtimes put before an image id,
// and gives an image of Docker Hub its full name.
func imageName(image string) string {
	if _, rest, ok := strings.Cut(image, "://"); ok {
		image = rest
	}
	if image == "" || strings.HasPrefix(image, "sha256:") {
		return image
	}
	host, _, ok := strings.Cut(image, "/")
	if !ok {
		return "docker.io/library/" + image
	}
	if host != "localhost" && !strings.ContainsAny(host, ".:") {
		return "docker.io/" + image
	}
	return image
}
