package yamlfile

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// maxReported bounds the errors about one document.
const maxReported = 20

// Reader reads documents leniently: scalars of any type where a
// string is wanted, one scalar where a list is wanted, null for anything. It collects
// errors for everything else; they name file, line, column and field.
type Reader struct {
	file string
	errs []error
	// strictKeys makes a key that is not text an error.
	strictKeys bool
}

// NewReader returns a reader of file, whose name stands in errors.
func NewReader(file string) *Reader { return &Reader{file: file} }

// NewStrictReader returns a reader to which a key that is not text is an error.
func NewStrictReader(file string) *Reader { return &Reader{file: file, strictKeys: true} }

// Decode fills into, a pointer to a value whose json tags name the keys. It is strict:
// see strictReader.
func (r *Reader) Decode(n *Node, into any) { strictReader{r}.read(n, into) }

// Node is a value and the place it was found at.
type Node struct {
	ast    ast.Node
	parent *Node
	Key    string // in a mapping
	index  int    // in a sequence, when key is empty
}

// Null reports whether n is nothing.
func (n *Node) Null() bool { return isNull(n.ast) }

// Scalar reports whether n is neither a list nor a mapping.
func (n *Node) Scalar() bool {
	_, ok := plain(n.ast).(ast.ScalarNode)
	return ok
}

// Line returns the line of n in its file, from 1; 0 if it is unknown.
func (n *Node) Line() int {
	line, _ := n.position()
	return line
}

func (n *Node) position() (line, column int) {
	// A mapping's own token is the colon behind its first key.
	at := plain(n.ast)
	if mapping, ok := at.(*ast.MappingNode); ok && len(mapping.Values) > 0 && !mapping.IsFlowStyle {
		at = mapping.Values[0].Key
	} else if pair, ok := at.(*ast.MappingValueNode); ok {
		at = pair.Key
	}
	if token := at.GetToken(); token != nil && token.Position != nil {
		return token.Position.Line, token.Position.Column
	}
	return 0, 0
}

// field names the place of n, as in spec.containers[0].opens[3].path.
func (n *Node) field() string {
	if n.parent == nil {
		return ""
	}
	if n.Key == "" {
		return fmt.Sprintf("%s[%d]", n.parent.field(), n.index)
	}
	return strings.TrimPrefix(n.parent.field()+"."+n.Key, ".")
}

// Full reports whether no further error is recorded.
func (r *Reader) Full() bool { return len(r.errs) >= maxReported }

// Fail records an error at n.
func (r *Reader) Fail(n *Node, format string, args ...any) {
	if r.Full() {
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

// FailWithin records an error at a place of the text that n is. Both numbers begin
// with 1.
func (r *Reader) FailWithin(n *Node, line, column int, format string, args ...any) {
	if r.Full() {
		return
	}
	startLine, startColumn := n.position()
	if block, ok := plain(n.ast).(*ast.LiteralNode); ok && block.Value.GetToken() != nil {
		startLine, startColumn = startLine+1, 1 // the indentation is not kept
	} else if s, ok := plain(n.ast).(*ast.StringNode); ok && (s.Token.Type == token.DoubleQuoteType || s.Token.Type == token.SingleQuoteType) {
		startColumn++
	}
	if line == 1 {
		column += startColumn - 1
	}
	where := fmt.Sprintf("%s:%d:%d: %s", r.file, startLine+line-1, column, n.field())
	r.errs = append(r.errs, fmt.Errorf("%s: %s", where, fmt.Sprintf(format, args...)))
}

// Err returns all errors recorded, joined.
func (r *Reader) Err() error { return errors.Join(r.errs...) }

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

// Fields returns the entries of a mapping, in order. Null has none.
func (r *Reader) Fields(n *Node) []*Node {
	var values []*ast.MappingValueNode
	switch m := plain(n.ast).(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		if !isNull(n.ast) {
			r.Fail(n, "want a mapping")
		}
		return nil
	}
	fields := make([]*Node, 0, len(values))
	for _, value := range values {
		key, ok := plain(value.Key).(ast.ScalarNode)
		if !ok || value.Key.IsMergeKey() {
			r.Fail(n, "want plain keys")
			continue
		}
		fields = append(fields, &Node{ast: value.Value, parent: n, Key: r.key(n, key)})
	}
	return fields
}

// key returns a key as it was written: 010 stays "010". To a strict reader, one
// that is not text is an error at n.
func (r *Reader) key(n *Node, key ast.ScalarNode) string {
	switch k := key.(type) {
	case *ast.StringNode:
		return k.Value
	case *ast.LiteralNode:
		return k.Value.Value
	}
	text := key.GetToken().Value
	if r.strictKeys {
		r.Fail(&Node{ast: key, parent: n, Key: text}, "want a string as key, got %s", describe(key))
	}
	return text
}

// Lookup returns the entry key of a mapping, nil if there is none.
func (r *Reader) Lookup(n *Node, key string) *Node {
	if n == nil {
		return nil
	}
	for _, field := range r.Fields(n) {
		if field.Key == key {
			return field
		}
	}
	return nil
}

// Items returns the elements of a sequence that are not null. Null has none.
func (r *Reader) Items(n *Node) []*Node {
	return slices.DeleteFunc(r.AllItems(n), func(item *Node) bool { return isNull(item.ast) })
}

// AllItems returns the elements of a sequence. Null has none.
func (r *Reader) AllItems(n *Node) []*Node {
	if n == nil || isNull(n.ast) {
		return nil
	}
	sequence, ok := plain(n.ast).(*ast.SequenceNode)
	if !ok {
		r.Fail(n, "want a list")
		return nil
	}
	items := make([]*Node, len(sequence.Values))
	for i, value := range sequence.Values {
		items[i] = &Node{ast: value, parent: n, index: i}
	}
	return items
}

// Text returns a scalar as it was written: 1.10 stays "1.10". Null is empty.
func (r *Reader) Text(n *Node) string {
	if n == nil || isNull(n.ast) {
		return ""
	}
	switch s := plain(n.ast).(type) {
	case *ast.StringNode:
		return s.Value
	case *ast.LiteralNode:
		return s.Value.Value
	case *ast.AliasNode:
		r.Fail(n, "want a value; aliases are not read")
	case ast.ScalarNode:
		return s.GetToken().Value
	default:
		r.Fail(n, "want a string")
	}
	return ""
}

// Elements returns the elements of a sequence that are not null, or a scalar
// itself, as if it were a sequence of one.
func (r *Reader) Elements(n *Node) []*Node {
	if n == nil || isNull(n.ast) {
		return nil
	}
	if n.Scalar() {
		return []*Node{n}
	}
	return r.Items(n)
}

// Strings returns a list of scalars, or one scalar as a list of one.
func (r *Reader) Strings(n *Node) []string {
	var texts []string
	for _, element := range r.Elements(n) {
		texts = append(texts, r.Text(element))
	}
	return texts
}

// Arguments returns a list in which every place counts. A null in it is an
// empty argument: without it, fewer arguments could mean any.
func (r *Reader) Arguments(n *Node) []string {
	if _, ok := plain(n.ast).(*ast.SequenceNode); !ok {
		return r.Strings(n)
	}
	var texts []string
	for _, item := range r.AllItems(n) {
		texts = append(texts, r.Text(item))
	}
	return texts
}

// Table returns a mapping of strings.
func (r *Reader) Table(n *Node) map[string]string {
	if n == nil {
		return nil
	}
	table := make(map[string]string)
	for _, field := range r.Fields(n) {
		table[field.Key] = r.Text(field)
	}
	if len(table) == 0 {
		return nil
	}
	return table
}

// Flag returns a boolean, also a quoted one or in the words of YAML 1.1.
func (r *Reader) Flag(n *Node) bool {
	text := r.Text(n)
	if text == "" {
		return false
	}
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1", "t", "y":
		return true
	case "false", "no", "off", "0", "f", "n":
		return false
	}
	r.Fail(n, "want true or false, got %q", text)
	return false
}

// Any returns the value of a node that is kept without being understood: mappings,
// lists, booleans, whole numbers of up to 53 bits as int64, and text for every
// other scalar. Entries that are null are left out. It recurses no deeper than
// MaxDepth, which was checked before.
func (r *Reader) Any(n *Node) any {
	switch v := plain(n.ast).(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		table := make(map[string]any)
		for _, field := range r.Fields(n) {
			if value := r.Any(field); value != nil {
				table[field.Key] = value
			}
		}
		return table
	case *ast.SequenceNode:
		list := make([]any, 0, len(v.Values))
		for _, item := range r.Items(n) {
			if value := r.Any(item); value != nil {
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
	return r.Text(n)
}
