package main

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"bobwatch/internal/profile"
)

// source finds the place in a file that a field of a document was read from.
// A profile is normalised, and what Kubescape wrote is laid out in another
// way, so that entries are found by what they say: the document's name, the
// container's name, the list they are in, their value.
type source struct {
	documents []ast.Node
	entries   []sourceEntry
}

// sourceEntry is an item of a list.
type sourceEntry struct {
	document, container string
	list                string // key of the list, or of a list within which it is
	value               any    // as encoding/json would decode it
	node                ast.Node
}

// newSource reads a file that profile.Parse has accepted, and so found to be
// of bounded size.
func newSource(data []byte) *source {
	s := &source{}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return s
	}
	for _, doc := range file.Docs {
		if doc.Body != nil {
			s.documents = append(s.documents, doc.Body)
			s.walk(doc.Body, sourceEntry{document: textAt(doc.Body, "metadata", "name")})
		}
	}
	return s
}

// lists are the keys of the lists that warnings speak of.
var lists = []string{"syscalls", "execs", "opens", "capabilities", "ipAddresses"}

// containerLists are the keys of the lists that containers are in.
var containerLists = []string{"containers", "initContainers", "ephemeralContainers"}

// walk collects the entries below n. at is what is known of its place.
func (s *source) walk(n ast.Node, at sourceEntry) {
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
			at.node, at.value = item, decode(item)
			if text, ok := at.value.(string); ok && at.list == "capabilities" {
				at.value = strings.TrimPrefix(strings.ToUpper(text), "CAP_")
			}
			s.entries = append(s.entries, at)
			s.walk(item, at)
		}
	}
}

// field is the form of a warning's field that is about a container.
var field = regexp.MustCompile(`^spec\.containers\[(\d+)\]\.?(?:(syscalls)\.(\w+)|(execs|opens|capabilities)|network\.(egress|ingress)\[(\d+)\]\.(ipAddresses))?(?:\[(\d+)\])?(?:\.(\w+))?`)

// find returns the line and column of a field of p. Where it is not found, they
// are those of the document's name, or 0.
func (s *source) find(p *profile.Profile, name string) (line, column int) {
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
func (s *source) entry(p *profile.Profile, name string) ast.Node {
	match := field.FindStringSubmatch(name)
	if match == nil {
		return nil
	}
	index, _ := strconv.Atoi(match[1])
	c := &p.Spec.Containers[index]
	list, value := valueOf(c, match)
	var best ast.Node
	score := 0
	for i := range s.entries {
		e := &s.entries[i]
		if e.list != list || !says(e.value, value) {
			continue
		}
		if fit := e.fit(p, c); fit > score {
			best, score = e.node, fit
		}
	}
	if key := match[9]; best != nil && key != "" {
		return child(best, key)
	}
	return best
}

// part returns the part of a document that a field is in, such as spec.workload.
func (s *source) part(p *profile.Profile, name string) ast.Node {
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

// valueOf returns the list that a warning's field is in, and what the entry
// says, as encoding/json would decode it.
func valueOf(c *profile.Container, match []string) (list string, value any) {
	at := func(group int) int {
		i, _ := strconv.Atoi(match[group])
		return i
	}
	switch {
	case match[2] != "":
		return match[2], c.Syscalls[match[3]][at(8)]
	case match[4] == "execs":
		return match[4], jsonValue(c.Execs[at(8)])
	case match[4] == "opens":
		return match[4], map[string]any{"path": c.Opens[at(8)].Path}
	case match[4] == "capabilities":
		return match[4], c.Capabilities[at(8)]
	case match[5] == "egress":
		return match[7], c.Network.Egress[at(6)].IPAddresses[at(8)]
	case match[5] == "ingress":
		return match[7], c.Network.Ingress[at(6)].IPAddresses[at(8)]
	}
	return "containers", map[string]any{"name": c.Name}
}

// says reports whether a value of the source has what is wanted: a mapping may
// have more.
func says(value, wanted any) bool {
	fields, ok := wanted.(map[string]any)
	if !ok {
		return reflect.DeepEqual(value, wanted)
	}
	have, ok := value.(map[string]any)
	if !ok {
		return false
	}
	for key, want := range fields {
		if !reflect.DeepEqual(have[key], want) && (have[key] != nil || want != "") {
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
