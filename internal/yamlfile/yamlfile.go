// Package yamlfile reads YAML and JSON texts of bounded size into nodes that know
// their place, so that every error names file, line, column and field.
//
// No input takes more memory or time than the limits of this package allow, and
// none makes it panic.
package yamlfile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// Head returns the apiVersion and kind of a document.
func Head(doc *Node) (apiVersion, kind string) {
	r := &Reader{}
	return r.Text(r.Lookup(doc, "apiVersion")), r.Text(r.Lookup(doc, "kind"))
}

// Documents returns the bodies of the documents that are not empty, without
// aliases.
func Documents(name string, data []byte) ([]*Node, error) {
	bodies, err := Parse(name, data)
	if err != nil {
		return nil, err
	}
	expander := aliasExpander{}
	docs := make([]*Node, len(bodies))
	for i, body := range bodies {
		if body, err = expander.document(body); err != nil {
			return nil, syntaxError(name, err)
		}
		docs[i] = &Node{ast: body}
	}
	return docs, nil
}

// Parse returns the bodies of the documents that are not empty, as they were
// written. Every token of the stream is in one of them, or Parse fails.
func Parse(name string, data []byte) (bodies []ast.Node, err error) {
	if err := CheckInput(data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	pieces, err := split(name, data)
	if err != nil {
		return nil, err
	}
	// The YAML library is known to panic on malformed input; such a panic becomes an
	// error like any other.
	defer func() {
		if p := recover(); p != nil {
			bodies, err = nil, fmt.Errorf("%s: malformed YAML: %v", name, p)
		}
	}()
	var m meter
	for i := range pieces {
		body, err := pieces[i].parse(&m)
		if err != nil {
			return nil, syntaxError(name, err)
		}
		if body != nil && !isNull(body) {
			bodies = append(bodies, body)
		}
	}
	return bodies, nil
}

// syntaxError puts the place of a YAML error before its message.
func syntaxError(name string, err error) error {
	if unread, ok := errors.AsType[*unreadError](err); ok {
		return fmt.Errorf("%s:%d:%d: %w", name, unread.token.Position.Line, unread.token.Position.Column, err)
	}
	var located yaml.Error
	if !errors.As(err, &located) || located.GetToken() == nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	position := located.GetToken().Position
	return fmt.Errorf("%s:%d:%d: %s", name, position.Line, position.Column, strings.TrimSpace(located.GetMessage()))
}
