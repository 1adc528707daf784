package yamlfile

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// strictReader fills Go values from a document by the json tags of their
// fields. Every key must be a field's and every value of its field's type, so
// that a slip of the pen does not silently allow less or more. Null stands for
// an empty list or mapping only.
type strictReader struct {
	*Reader
}

// read fills into, a pointer.
func (r strictReader) read(n *Node, into any) {
	r.value(n, reflect.ValueOf(into).Elem())
}

func (r strictReader) value(n *Node, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		r.structure(n, v)
	case reflect.Map:
		r.mapping(n, v)
	case reflect.Slice:
		r.list(n, v)
	case reflect.Interface:
		if value := r.Any(n); value != nil {
			v.Set(reflect.ValueOf(value))
		}
	default:
		r.scalar(n, v)
	}
}

func (r strictReader) structure(n *Node, v reflect.Value) {
	for _, field := range r.Fields(n) {
		index, ok := fieldByTag(v.Type(), field.Key)
		if !ok {
			r.Fail(field, "unknown field")
			continue
		}
		r.value(field, v.Field(index))
	}
}

// fieldByTag finds the field of a struct whose json tag names key.
func fieldByTag(t reflect.Type, key string) (int, bool) {
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name == key {
			return i, true
		}
	}
	return 0, false
}

func (r strictReader) mapping(n *Node, v reflect.Value) {
	fields := r.Fields(n)
	if len(fields) == 0 {
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(fields)))
	for _, field := range fields {
		value := reflect.New(v.Type().Elem()).Elem()
		r.value(field, value)
		if value.Kind() == reflect.Interface && value.IsNil() {
			continue
		}
		v.SetMapIndex(reflect.ValueOf(field.Key), value)
	}
}

func (r strictReader) list(n *Node, v reflect.Value) {
	items := r.AllItems(n)
	if len(items) == 0 {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		if isNull(item.ast) {
			r.Fail(item, "want a value, got nothing")
			continue
		}
		r.value(item, v.Index(i))
	}
}

func (r strictReader) scalar(n *Node, v reflect.Value) {
	got := plain(n.ast)
	switch v.Kind() {
	case reflect.String:
		switch got := got.(type) {
		case *ast.StringNode:
			v.SetString(got.Value)
			return
		case *ast.LiteralNode:
			v.SetString(got.Value.Value)
			return
		}
		r.Fail(n, "want a string, got %s", describe(got))
	case reflect.Bool:
		if got, ok := got.(*ast.BoolNode); ok {
			v.SetBool(got.Value)
			return
		}
		r.Fail(n, "want true or false, got %s", describe(got))
	case reflect.Int, reflect.Uint64:
		r.integer(n, got, v)
	}
}

// MaxInteger is the greatest integer that JSON readers agree on (RFC 8259).
const MaxInteger = 1<<53 - 1

func (r strictReader) integer(n *Node, got ast.Node, v reflect.Value) {
	number, ok := got.(*ast.IntegerNode)
	if !ok {
		r.Fail(n, "want a whole number, got %s", describe(got))
		return
	}
	value, err := strconv.ParseInt(number.GetToken().Value, 10, 64)
	if err != nil || value < 0 || value > MaxInteger {
		r.Fail(n, "want a decimal number from 0 to %d", int64(MaxInteger))
		return
	}
	if v.Kind() == reflect.Int {
		v.SetInt(value)
		return
	}
	v.SetUint(uint64(value))
}

// describe names the kind of a node, for an error about an unexpected kind.
func describe(n ast.Node) string {
	switch n := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.StringNode, *ast.LiteralNode:
		return "a string"
	case *ast.NullNode:
		return "nothing"
	case ast.ScalarNode:
		return fmt.Sprintf("%s (quote it if it is text)", n.GetToken().Value)
	}
	return "something else"
}
