package profile

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/yamlfile"
)

var updateSchema = flag.Bool("update-schema", false, "write the JSON schema of the document")

// schemaFile is what editors are pointed to.
var schemaFile = filepath.Join("..", "..", "docs", "profile.schema.json")

// TestSchema compares the committed schema with the one that the types and
// their comments in profile.go give. go generate writes it.
func TestSchema(t *testing.T) {
	g := schemaWriter{docs: fieldComments(t), definitions: make(map[string]any)}
	schema := g.object(reflect.TypeFor[Profile]())
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = Kind
	schema["$defs"] = g.definitions
	schema["required"] = []string{"apiVersion", "kind", "metadata"}
	properties := schema["properties"].(map[string]any)
	properties["apiVersion"] = map[string]any{"const": APIVersion}
	properties["kind"] = map[string]any{"const": Kind}
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		t.Fatal(err)
	}
	if *updateSchema {
		if err := os.WriteFile(schemaFile, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("%s is out of date; run go generate (-fresh +committed):\n%s", schemaFile, diff)
	}
}

// enums are the values of the string types that have a closed set.
var enums = map[reflect.Type][]any{
	reflect.TypeFor[ParameterKind](): {ParameterString, ParameterCIDR, ParameterPort, ParameterSegment},
	reflect.TypeFor[ContainerType](): {ContainerRegular, ContainerInit, ContainerEphemeral},
	reflect.TypeFor[Completeness]():  {Complete, Partial, Learning},
}

// schemaWriter describes types as Parse reads them: no other keys, and null
// for lists and mappings.
type schemaWriter struct {
	docs        map[string]string // comments by Type.Field and by Type
	definitions map[string]any
}

func (g *schemaWriter) object(t reflect.Type) map[string]any {
	properties := make(map[string]any)
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		schema := g.value(field.Type)
		if doc := g.docs[t.Name()+"."+field.Name]; doc != "" {
			schema["description"] = doc
		}
		properties[name] = schema
	}
	object := map[string]any{"type": []string{"object", "null"}, "additionalProperties": false, "properties": properties}
	if doc := g.docs[t.Name()]; doc != "" {
		object["description"] = doc
	}
	return object
}

func (g *schemaWriter) value(t reflect.Type) map[string]any {
	if values, ok := enums[t]; ok {
		return map[string]any{"enum": values}
	}
	switch t.Kind() {
	case reflect.Struct:
		if g.definitions[t.Name()] == nil {
			g.definitions[t.Name()] = g.object(t)
		}
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	case reflect.Slice:
		return map[string]any{"type": []string{"array", "null"}, "items": g.value(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": []string{"object", "null"}, "additionalProperties": g.value(t.Elem())}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Uint64:
		return map[string]any{"type": "integer", "minimum": 0, "maximum": int64(yamlfile.MaxInteger)}
	case reflect.Interface:
		return map[string]any{}
	}
	return map[string]any{"type": "string"}
}

// fieldComments returns the comments of the types in profile.go and of their
// fields.
func fieldComments(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "profile.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	comments := make(map[string]string)
	for _, decl := range file.Decls {
		types, ok := decl.(*ast.GenDecl)
		if !ok || types.Tok != token.TYPE {
			continue
		}
		for _, spec := range types.Specs {
			spec := spec.(*ast.TypeSpec)
			comments[spec.Name.Name] = oneLine(types.Doc.Text())
			structure, ok := spec.Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, field := range structure.Fields.List {
				for _, name := range field.Names {
					comments[spec.Name.Name+"."+name.Name] = oneLine(field.Doc.Text() + field.Comment.Text())
				}
			}
		}
	}
	return comments
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// TestSchemaNamesEveryField guards against a field that Parse cannot fill.
func TestSchemaNamesEveryField(t *testing.T) {
	var check func(reflect.Type)
	check = func(typ reflect.Type) {
		for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct {
			return
		}
		for i := range typ.NumField() {
			field := typ.Field(i)
			if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name == "" || name == "-" {
				t.Errorf("%s.%s has no key", typ, field.Name)
			}
			check(field.Type)
		}
	}
	check(reflect.TypeFor[Profile]())
}
