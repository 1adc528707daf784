// Package schema writes JSON schemas of formats from the types that they are
// made of, with the comments of the types as descriptions.
package schema

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"reflect"
	"strings"
	"time"
)

// Options says how the types are read.
type Options struct {
	Title string
	// Files are the Go files with the types' comments.
	Files []string
	// Enums are the values of the types that have a closed set.
	Enums map[reflect.Type][]any
	// Strict allows no other keys, and null for lists and mappings, as a parser
	// of documents does. Otherwise keys may be added.
	Strict bool
	// MaxInteger bounds integers; 0 is no bound.
	MaxInteger int64
	Required   []string
	// Properties replace those of the root.
	Properties map[string]any
}

// Of returns the schema of root, indented.
func Of(root reflect.Type, o Options) ([]byte, error) {
	docs, err := comments(o.Files)
	if err != nil {
		return nil, err
	}
	w := writer{Options: o, docs: docs, definitions: make(map[string]any)}
	schema := w.object(root)
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = o.Title
	schema["$defs"] = w.definitions
	schema["required"] = o.Required
	properties := schema["properties"].(map[string]any)
	maps.Copy(properties, o.Properties)
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	return text.Bytes(), nil
}

type writer struct {
	Options
	docs        map[string]string // comments by Type.Field and by Type
	definitions map[string]any
}

func (w *writer) object(t reflect.Type) map[string]any {
	object := map[string]any{"type": w.orNull("object"), "properties": w.properties(t)}
	if w.Strict {
		object["additionalProperties"] = false
	}
	if doc := w.docs[t.Name()]; doc != "" {
		object["description"] = doc
	}
	return object
}

// properties are the fields of t, with those of the types that it embeds.
func (w *writer) properties(t reflect.Type) map[string]any {
	properties := make(map[string]any)
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" {
			maps.Copy(properties, w.properties(field.Type))
			continue
		}
		if name == "-" {
			continue
		}
		schema := w.value(field.Type)
		if doc := w.docs[t.Name()+"."+field.Name]; doc != "" {
			schema["description"] = doc
		}
		properties[name] = schema
	}
	return properties
}

// orNull is a type that the format may leave empty.
func (w *writer) orNull(name string) any {
	if w.Strict {
		return []string{name, "null"}
	}
	return name
}

func (w *writer) value(t reflect.Type) map[string]any {
	if values, ok := w.Enums[t]; ok {
		return map[string]any{"enum": values}
	}
	if t == reflect.TypeFor[time.Time]() {
		return map[string]any{"type": "string", "format": "date-time"}
	}
	if t.Kind() != reflect.Pointer && t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return map[string]any{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return w.value(t.Elem())
	case reflect.Struct:
		if w.definitions[t.Name()] == nil {
			w.definitions[t.Name()] = map[string]any{} // it may hold itself
			w.definitions[t.Name()] = w.object(t)
		}
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	case reflect.Slice:
		return map[string]any{"type": w.orNull("array"), "items": w.value(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": w.orNull("object"), "additionalProperties": w.value(t.Elem())}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Uint, reflect.Uint32, reflect.Uint64, reflect.Int64:
		integer := map[string]any{"type": "integer", "minimum": 0}
		if w.MaxInteger > 0 {
			integer["maximum"] = w.MaxInteger
		}
		return integer
	case reflect.Interface:
		return map[string]any{}
	}
	return map[string]any{"type": "string"}
}

// comments returns the comments of the types in files and of their fields.
func comments(files []string) (map[string]string, error) {
	found := make(map[string]string)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("read comments: %w", err)
		}
		for _, decl := range file.Decls {
			types, ok := decl.(*ast.GenDecl)
			if !ok || types.Tok != token.TYPE {
				continue
			}
			for _, spec := range types.Specs {
				commentsOf(spec.(*ast.TypeSpec), types.Doc.Text(), found)
			}
		}
	}
	return found, nil
}

func commentsOf(spec *ast.TypeSpec, doc string, found map[string]string) {
	found[spec.Name.Name] = oneLine(doc)
	structure, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range structure.Fields.List {
		for _, name := range field.Names {
			found[spec.Name.Name+"."+name.Name] = oneLine(field.Doc.Text() + field.Comment.Text())
		}
	}
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
