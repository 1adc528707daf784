// Package yamlfile reads YAML and JSON texts of bounded size into nodes that know
// their place, so that every error names file, line, column and field.
//
// No input takes more memory or time than the limits of this package allow, and
// none makes it panic.
package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
)

// Head returns what a document says it is: its apiVersion and kind.
func Head(doc *Node) (apiVersion, kind string) {
	r := &Reader{}
	return r.Text(r.Lookup(doc, "apiVersion")), r.Text(r.Lookup(doc, "kind"))
}

// byteOrderMark is what editors of some systems put before UTF-8.
var byteOrderMark = []byte("\ufeff")

// Documents returns the bodies of the documents that are not empty, without
// aliases.
func Documents(name string, data []byte) (docs []*Node, err error) {
	data = bytes.TrimPrefix(data, byteOrderMark)
	if err := CheckInput(data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%s: not UTF-8", name)
	}
	// The YAML library is known to panic on malformed input; what it cannot
	// read is an error like any other.
	defer func() {
		if p := recover(); p != nil {
			docs, err = nil, fmt.Errorf("%s: malformed YAML: %v", name, p)
		}
	}()
	tokens := lexer.Tokenize(string(data))
	if err := checkTokens(tokens); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, syntaxError(name, err)
	}
	expander := aliasExpander{}
	for _, doc := range file.Docs {
		if doc.Body == nil || isNull(doc.Body) {
			continue
		}
		body, err := expander.document(doc.Body)
		if err != nil {
			return nil, syntaxError(name, err)
		}
		docs = append(docs, &Node{ast: body})
	}
	return docs, nil
}

// syntaxError puts the place of a YAML error before its message.
func syntaxError(name string, err error) error {
	var located yaml.Error
	if !errors.As(err, &located) || located.GetToken() == nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	position := located.GetToken().Position
	return fmt.Errorf("%s:%d:%d: %s", name, position.Line, position.Column, strings.TrimSpace(located.GetMessage()))
}
