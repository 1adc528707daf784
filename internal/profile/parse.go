package profile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
)

// Parse reads the documents of one YAML or JSON input: Bills of Behavior and
// Kubescape's profiles, which their apiVersion and kind tell apart. name is
// the file's, for errors, which say file, line, column and field. The profiles
// are normalised.
//
// Bills of Behavior are read strictly: an unknown or repeated key, a value of
// another type, a container or parameter named twice are errors. An input that
// is larger than the limits of this package fails with ErrLimit.
func Parse(name string, data []byte) ([]*Profile, error) {
	docs, err := parseYAML(name, data)
	if err != nil {
		return nil, err
	}
	var profiles []*Profile
	var foreign []ast.Node
	for _, doc := range docs {
		if isKubescape(head(doc)) {
			foreign = append(foreign, doc)
			continue
		}
		p, err := parseNative(name, doc)
		if err != nil {
			return nil, err
		}
		profiles = append(profiles, p)
	}
	imported, err := parseKubescape(name, foreign)
	if err != nil {
		return nil, err
	}
	profiles = append(profiles, imported...)
	if len(profiles) == 0 {
		return nil, fmt.Errorf("%s: no document", name)
	}
	return profiles, nil
}

// head returns what a document says it is.
func head(doc ast.Node) (apiVersion, kind string) {
	r := &reader{}
	root := &node{ast: doc}
	return r.text(r.lookup(root, "apiVersion")), r.text(r.lookup(root, "kind"))
}

// parseNative reads one Bill of Behavior.
func parseNative(name string, doc ast.Node) (*Profile, error) {
	var p Profile
	d := strictReader{reader: &reader{file: name, strictKeys: true}}
	d.read(&node{ast: doc}, &p)
	if err := d.err(); err != nil {
		return nil, err
	}
	v := validator{reader: d.reader, root: &node{ast: doc}}
	v.profile(&p)
	if err := v.err(); err != nil {
		return nil, err
	}
	return Normalise(&p), nil
}

// byteOrderMark is what editors of some systems put before UTF-8.
var byteOrderMark = []byte("\ufeff")

// parseYAML returns the bodies of the documents that are not empty, without
// aliases.
func parseYAML(name string, data []byte) (docs []ast.Node, err error) {
	data = bytes.TrimPrefix(data, byteOrderMark)
	if err := checkInput(data); err != nil {
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
		docs = append(docs, body)
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
