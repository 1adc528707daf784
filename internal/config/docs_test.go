package config

import (
	"encoding"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

const docsPage = "../../docs/configuration.md"

// TestEveryFieldIsDocumented wants a row for each field, with its default: a
// value in backquotes, or words where there is none or the machine decides.
func TestEveryFieldIsDocumented(t *testing.T) {
	rows := documentedDefaults(t)
	defaults := Default()
	defaults.Node = "" // the machine's
	fields := map[string]reflect.Value{}
	collectFields(fields, "", reflect.ValueOf(defaults))

	for field, value := range fields {
		cell, ok := rows[field]
		if !ok {
			t.Errorf("%s: is not documented", field)
			continue
		}
		documented := reflect.New(value.Type())
		if text, ok := quoted(cell); ok {
			if err := yaml.Unmarshal([]byte(text), documented.Interface()); err != nil {
				t.Errorf("%s: documented default: %v", field, err)
			}
		}
		if isEmptyList(value) && isEmptyList(documented.Elem()) {
			continue // unset or [] is told in words
		}
		if diff := cmp.Diff(value.Interface(), documented.Elem().Interface()); diff != "" {
			t.Errorf("%s: documented default (-code +page)\n%s", field, diff)
		}
	}
	for field := range rows {
		if _, ok := fields[field]; !ok {
			t.Errorf("%s: is documented, but there is no such field", field)
		}
	}
}

func TestDocumentedExamplesAreValid(t *testing.T) {
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(readDocs(t), -1)
	if len(examples) == 0 {
		t.Fatal("no examples")
	}
	for _, example := range examples {
		if _, err := Parse([]byte(example[1])); err != nil {
			t.Errorf("%v in\n%s", err, example[1])
		}
	}
}

func readDocs(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(docsPage)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

var backquoted = regexp.MustCompile("`([^`]*)`")

// documentedDefaults returns the third cell of each row of a table of fields,
// by the field's path. The first cell is the end of the path; the backquoted
// names of the heading above, if there are any, are what it may begin with.
func documentedDefaults(t *testing.T) map[string]string {
	t.Helper()
	rows := map[string]string{}
	var parents []string
	inTable := false
	for line := range strings.Lines(readDocs(t)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#"):
			parents = nil
			for _, name := range backquoted.FindAllStringSubmatch(line, -1) {
				parents = append(parents, name[1]+".")
			}
		case strings.HasPrefix(line, "| field | type | default |"):
			inTable = true
		case !strings.HasPrefix(line, "|"):
			inTable = false
		case inTable:
			cells := strings.Split(line, "|")
			name, ok := quoted(cells[1])
			if !ok {
				continue // the line below the head
			}
			if parents == nil {
				rows[name] = cells[3]
			}
			for _, parent := range parents {
				rows[parent+name] = cells[3]
			}
		}
	}
	return rows
}

// quoted returns what a cell begins with, if that is in backquotes.
func quoted(cell string) (string, bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(cell), "`")
	if !ok {
		return "", false
	}
	text, _, ok := strings.Cut(rest, "`")
	return text, ok
}

// collectFields adds the fields below v to fields, by their path. Lists of
// structures are entered: what they hold has defaults too.
func collectFields(fields map[string]reflect.Value, path string, v reflect.Value) {
	_, isText := reflect.TypeAssert[encoding.TextUnmarshaler](reflect.New(v.Type()))
	switch {
	case v.Kind() == reflect.Pointer:
		collectFields(fields, path, reflect.Zero(v.Type().Elem()))
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		collectFields(fields, path+"[]", reflect.Zero(v.Type().Elem()))
		if !strings.Contains(path, "[]") {
			fields[path] = v
		}
	case v.Kind() == reflect.Struct && !isText:
		for i := range v.NumField() {
			name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			child := strings.TrimPrefix(path+"."+name, ".")
			if options == "inline" {
				child = path
			}
			collectFields(fields, child, v.Field(i))
		}
	default:
		fields[path] = v
	}
}

func isEmptyList(v reflect.Value) bool { return v.Kind() == reflect.Slice && v.Len() == 0 }
