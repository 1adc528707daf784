package profile

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/schema"
	"bobwatch/internal/yamlfile"
)

var updateSchema = flag.Bool("update-schema", false, "write the JSON schema of the document")

// schemaFile is what editors are pointed to.
var schemaFile = filepath.Join("..", "..", "docs", "profile.schema.json")

// TestSchema compares the committed schema with the one that the types and
// their comments in profile.go give. go generate writes it.
func TestSchema(t *testing.T) {
	want, err := schema.Of(reflect.TypeFor[Profile](), schema.Options{
		Title:      Kind,
		Files:      []string{"profile.go"},
		Enums:      enums,
		Strict:     true,
		MaxInteger: yamlfile.MaxInteger,
		Required:   []string{"apiVersion", "kind", "metadata"},
		Properties: map[string]any{
			"apiVersion": map[string]any{"const": APIVersion},
			"kind":       map[string]any{"const": Kind},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if *updateSchema {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is out of date; run go generate (-fresh +committed):\n%s", schemaFile, diff)
	}
}

// enums are the values of the string types that have a closed set.
var enums = map[reflect.Type][]any{
	reflect.TypeFor[ParameterKind]():  {ParameterString, ParameterCIDR, ParameterPort, ParameterSegment},
	reflect.TypeFor[ContainerType]():  {ContainerRegular, ContainerInit, ContainerEphemeral},
	reflect.TypeFor[Sense]():          senseValues(),
	reflect.TypeFor[DirectoryClass](): {DirectoryContent, DirectoryData, DirectoryImage},
	reflect.TypeFor[Completeness]():   {Complete, Partial, Learning},
}

func senseValues() (values []any) {
	for _, sense := range AllSenses {
		values = append(values, sense)
	}
	return values
}

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
		for field := range typ.Fields() {
			if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name == "" || name == "-" {
				t.Errorf("%s.%s has no key", typ, field.Name)
			}
			check(field.Type)
		}
	}
	check(reflect.TypeFor[Profile]())
}
