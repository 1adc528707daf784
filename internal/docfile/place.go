package docfile

import (
	"cmp"
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"bobwatch/internal/profile"
	"bobwatch/internal/yamlfile"
)

// Source finds the place in a file that a field of a document was read from.
// A profile is normalised, and what Kubescape wrote is laid out in another
// way, so that entries are found by their content: the document's name, the container's
// name, their list, their value.
type Source struct {
	documents []ast.Node
	entries   map[sourceKey][]sourceEntry
}

// sourceKey is what entries are looked up by: the list they are in, and their
// text, path or name.
type sourceKey struct {
	list, text string
}

// sourceEntry is an item of a list.
type sourceEntry struct {
	document, container string
	list                string // key of the list, or of a list within which it is
	node                ast.Node
}

// NewSource reads a file that documents.Parse has accepted, and so found to be
// of bounded size.
func NewSource(data []byte) *Source {
	s := &Source{entries: make(map[sourceKey][]sourceEntry)}
	bodies, err := yamlfile.Parse("document", data)
	if err != nil {
		return s
	}
	for _, body := range bodies {
		s.documents = append(s.documents, body)
		s.walk(body, sourceEntry{document: textAt(body, "metadata", "name")})
	}
	return s
}

// lists are the keys of the lists that warnings speak of.
var lists = []string{"syscalls", "execs", "opens", "capabilities", "ipAddresses"}

// containerLists are the keys of the lists that containers are in.
var containerLists = []string{"containers", "initContainers", "ephemeralContainers"}

// walk collects the entries below n. at is the place of n, as far as it is known.
func (s *Source) walk(n ast.Node, at sourceEntry) {
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, pair := range n.Values {
			s.walk(pair, at)
		}
	case *ast.MappingValueNode:
		key := n.Key.GetToken().Value
		switch {
		case slices.Contains(lists, key):
			at.list = key
		case slices.Contains(containerLists, key):
			at.list = "containers"
		case at.list == "" || at.list == "containers":
			at.list = ""
		}
		s.walk(n.Value, at)
	case *ast.SequenceNode:
		for _, item := range n.Values {
			if at.list == "containers" {
				at.container = textAt(item, "name")
			}
			at.node = item
			key := at.key()
			s.entries[key] = append(s.entries[key], at)
			s.walk(item, at)
		}
	}
}

// field is the form of a warning's field that is about a container.
var field = regexp.MustCompile(`^spec\.containers\[(\d+)\]\.?(?:(syscalls)\.(\w+)|(execs|opens|capabilities)|network\.(egress|ingress)\[(\d+)\]\.(ipAddresses))?(?:\[(\d+)\])?(?:\.(\w+))?`)

// Find returns the line and column of a field of p. Where it is not found, they
// are those of the document's name, or 0.
func (s *Source) Find(p *profile.Profile, name string) (line, column int) {
	n := s.entry(p, name)
	if n == nil {
		n = s.part(p, name)
	}
	if n == nil || n.GetToken() == nil {
		return 0, 0
	}
	position := n.GetToken().Position
	return position.Line, position.Column
}

// entry returns the item of a container's list that a field is in.
func (s *Source) entry(p *profile.Profile, name string) ast.Node {
	match := field.FindStringSubmatch(name)
	if match == nil {
		return nil
	}
	index, _ := strconv.Atoi(match[1])
	c := &p.Spec.Containers[index]
	key, value := wanted(c, match)
	var best ast.Node
	score := 0
	for _, e := range s.entries[key] {
		if fit := e.fit(p, c); fit > score && says(e.node, value) {
			best, score = e.node, fit
		}
	}
	if key := match[9]; best != nil && key != "" {
		return child(best, key)
	}
	return best
}

// part returns the part of a document that a field is in, such as spec.workload.
func (s *Source) part(p *profile.Profile, name string) ast.Node {
	for _, doc := range s.documents {
		if textAt(doc, "metadata", "name") != p.Metadata.Name {
			continue
		}
		n := doc
		for key := range strings.SplitSeq(name, ".") {
			next := child(n, key)
			if next == n {
				return child(child(doc, "metadata"), "name")
			}
			n = next
		}
		return n
	}
	return nil
}

// key returns the key for looking the entry up.
func (e *sourceEntry) key() sourceKey {
	text := cmp.Or(textAt(e.node), textAt(e.node, "path"), textAt(e.node, "name"))
	if e.list == "capabilities" {
		text = strings.TrimPrefix(strings.ToUpper(text), "CAP_")
	}
	return sourceKey{list: e.list, text: text}
}

// fit ranks entries that say the same by whose they are.
func (e *sourceEntry) fit(p *profile.Profile, c *profile.Container) int {
	fit := 1
	if e.document == p.Metadata.Name {
		fit += 2
	}
	if e.container == c.Name {
		fit++
	}
	return fit
}

// wanted returns the key of the entry that a warning's field is in, and what
// else the entry says, as encoding/json would decode it.
func wanted(c *profile.Container, match []string) (key sourceKey, more map[string]any) {
	at := func(group int) int {
		i, _ := strconv.Atoi(match[group])
		return i
	}
	switch {
	case match[2] != "":
		return sourceKey{match[2], c.Syscalls[match[3]][at(8)]}, nil
	case match[4] == "execs":
		e := c.Execs[at(8)]
		return sourceKey{match[4], e.Path}, map[string]any{"args": jsonValue(e.Args)}
	case match[4] == "opens":
		return sourceKey{match[4], c.Opens[at(8)].Path}, nil
	case match[4] == "capabilities":
		return sourceKey{match[4], c.Capabilities[at(8)]}, nil
	case match[5] == "egress":
		return sourceKey{match[7], c.Network.Egress[at(6)].IPAddresses[at(8)]}, nil
	case match[5] == "ingress":
		return sourceKey{match[7], c.Network.Ingress[at(6)].IPAddresses[at(8)]}, nil
	}
	return sourceKey{"containers", c.Name}, nil
}

// says reports whether a mapping of the source has the wanted keys and values.
func says(n ast.Node, wanted map[string]any) bool {
	for key, want := range wanted {
		var have any
		if value := child(n, key); value != n {
			have = decode(value)
		}
		if !reflect.DeepEqual(have, want) {
			return false
		}
	}
	return true
}

func jsonValue(v any) (value any) {
	if text, err := json.Marshal(v); err == nil {
		_ = json.Unmarshal(text, &value) // what was just marshalled
	}
	return value
}

// decode returns what n says, nil if it cannot be told.
func decode(n ast.Node) (value any) {
	if err := yaml.NodeToValue(n, &value); err != nil {
		return nil
	}
	return jsonValue(value)
}

// child returns the value of a key of a mapping, or n if it has none.
func child(n ast.Node, key string) ast.Node {
	for _, pair := range pairs(n) {
		if pair.Key.GetToken().Value == key {
			return pair.Value
		}
	}
	return n
}

// textAt returns the scalar below the keys, "" if there is none.
func textAt(n ast.Node, keys ...string) string {
	for _, key := range keys {
		next := child(n, key)
		if next == n {
			return ""
		}
		n = next
	}
	if scalar, ok := n.(*ast.StringNode); ok {
		return scalar.Value
	}
	return ""
}

func pairs(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}
