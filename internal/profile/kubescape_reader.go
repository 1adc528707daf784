package profile

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// maxReported bounds the errors about one document.
const maxReported = 20

// reader reads a Kubescape document leniently: scalars of any type where a
// string is wanted, one scalar where a list is wanted, null for anything. What
// it cannot read at all is collected as errors that name file, line, column
// and field.
type reader struct {
	file string
	errs []error
	// strictKeys makes a key that is not text an error.
	strictKeys bool
}

// node is a value and the place it was found at.
type node struct {
	ast    ast.Node
	parent *node
	key    string // in a mapping
	index  int    // in a sequence, when key is empty
}

// field names the place of n, as in spec.containers[0].opens[3].path.
func (n *node) field() string {
	if n.parent == nil {
		return ""
	}
	if n.key == "" {
		return fmt.Sprintf("%s[%d]", n.parent.field(), n.index)
	}
	return strings.TrimPrefix(n.parent.field()+"."+n.key, ".")
}

// fail records an error at n.
func (r *reader) fail(n *node, format string, args ...any) {
	if len(r.errs) >= maxReported {
		return
	}
	line, column := 0, 0
	if token := n.ast.GetToken(); token != nil && token.Position != nil {
		line, column = token.Position.Line, token.Position.Column
	}
	where := fmt.Sprintf("%s:%d:%d", r.file, line, column)
	if field := n.field(); field != "" {
		where += ": " + field
	}
	r.errs = append(r.errs, fmt.Errorf("%s: %s", where, fmt.Sprintf(format, args...)))
}

func (r *reader) err() error { return errors.Join(r.errs...) }

// plain strips tags and anchors, which mean nothing in these documents.
func plain(n ast.Node) ast.Node {
	for {
		switch t := n.(type) {
		case *ast.TagNode:
			n = t.Value
		case *ast.AnchorNode:
			n = t.Value
		default:
			return n
		}
	}
}

func isNull(n ast.Node) bool {
	switch n := plain(n).(type) {
	case nil, *ast.NullNode:
		return true
	case ast.ScalarNode:
		return n.GetValue() == nil
	}
	return false
}

// fields returns the entries of a mapping, in order. Null has none.
func (r *reader) fields(n *node) []*node {
	var values []*ast.MappingValueNode
	switch m := plain(n.ast).(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		if !isNull(n.ast) {
			r.fail(n, "want a mapping")
		}
		return nil
	}
	fields := make([]*node, 0, len(values))
	for _, value := range values {
		key, ok := plain(value.Key).(ast.ScalarNode)
		if !ok || value.Key.IsMergeKey() {
			r.fail(n, "want plain keys")
			continue
		}
		fields = append(fields, &node{ast: value.Value, parent: n, key: r.key(n, key)})
	}
	return fields
}

// key returns a key as it was written: 010 stays "010". To a strict reader, one
// that is not text is an error at n.
func (r *reader) key(n *node, key ast.ScalarNode) string {
	switch k := key.(type) {
	case *ast.StringNode:
		return k.Value
	case *ast.LiteralNode:
		return k.Value.Value
	}
	text := key.GetToken().Value
	if r.strictKeys {
		r.fail(&node{ast: key, parent: n, key: text}, "want a string as key, got %s", describe(key))
	}
	return text
}

// lookup returns the entry key of a mapping, nil if there is none.
func (r *reader) lookup(n *node, key string) *node {
	if n == nil {
		return nil
	}
	for _, field := range r.fields(n) {
		if field.key == key {
			return field
		}
	}
	return nil
}

// items returns the elements of a sequence that are not null. Null has none.
func (r *reader) items(n *node) []*node {
	return slices.DeleteFunc(r.allItems(n), func(item *node) bool { return isNull(item.ast) })
}

// allItems returns the elements of a sequence. Null has none.
func (r *reader) allItems(n *node) []*node {
	if n == nil || isNull(n.ast) {
		return nil
	}
	sequence, ok := plain(n.ast).(*ast.SequenceNode)
	if !ok {
		r.fail(n, "want a list")
		return nil
	}
	items := make([]*node, len(sequence.Values))
	for i, value := range sequence.Values {
		items[i] = &node{ast: value, parent: n, index: i}
	}
	return items
}

// text returns a scalar as it was written: 1.10 stays "1.10". Null is empty.
func (r *reader) text(n *node) string {
	if n == nil || isNull(n.ast) {
		return ""
	}
	switch s := plain(n.ast).(type) {
	case *ast.StringNode:
		return s.Value
	case *ast.LiteralNode:
		return s.Value.Value
	case *ast.AliasNode:
		r.fail(n, "want a value; aliases are not read")
	case ast.ScalarNode:
		return s.GetToken().Value
	default:
		r.fail(n, "want a string")
	}
	return ""
}

// elements returns the elements of a sequence that are not null, or a scalar
// itself, as if it were a sequence of one.
func (r *reader) elements(n *node) []*node {
	if n == nil || isNull(n.ast) {
		return nil
	}
	if _, ok := plain(n.ast).(ast.ScalarNode); ok {
		return []*node{n}
	}
	return r.items(n)
}

// strings returns a list of scalars, or one scalar as a list of one.
func (r *reader) strings(n *node) []string {
	var texts []string
	for _, element := range r.elements(n) {
		texts = append(texts, r.text(element))
	}
	return texts
}

// arguments returns a list in which every place counts. A null in it is an
// empty argument: without it, fewer arguments could mean any.
func (r *reader) arguments(n *node) []string {
	if _, ok := plain(n.ast).(*ast.SequenceNode); !ok {
		return r.strings(n)
	}
	var texts []string
	for _, item := range r.allItems(n) {
		texts = append(texts, r.text(item))
	}
	return texts
}

// table returns a mapping of strings.
func (r *reader) table(n *node) map[string]string {
	if n == nil {
		return nil
	}
	table := make(map[string]string)
	for _, field := range r.fields(n) {
		table[field.key] = r.text(field)
	}
	if len(table) == 0 {
		return nil
	}
	return table
}

// flag returns a boolean, also a quoted one or in the words of YAML 1.1.
func (r *reader) flag(n *node) bool {
	text := r.text(n)
	if text == "" {
		return false
	}
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1", "t", "y":
		return true
	case "false", "no", "off", "0", "f", "n":
		return false
	}
	r.fail(n, "want true or false, got %q", text)
	return false
}

// any returns a value for what is kept without being understood: mappings,
// lists, booleans, whole numbers of up to 53 bits as int64, and text for every
// other scalar. Entries that are null are left out. It recurses no deeper than
// MaxDepth, which was checked before.
func (r *reader) any(n *node) any {
	switch v := plain(n.ast).(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		table := make(map[string]any)
		for _, field := range r.fields(n) {
			if value := r.any(field); value != nil {
				table[field.key] = value
			}
		}
		return table
	case *ast.SequenceNode:
		list := make([]any, 0, len(v.Values))
		for _, item := range r.items(n) {
			if value := r.any(item); value != nil {
				list = append(list, value)
			}
		}
		return list
	case *ast.BoolNode:
		return v.Value
	case *ast.IntegerNode:
		if number, err := strconv.ParseInt(v.GetToken().Value, 10, 54); err == nil {
			return number
		}
	}
	if isNull(n.ast) {
		return nil
	}
	return r.text(n)
}
