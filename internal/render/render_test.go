package render

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"bobwatch/internal/profile"
	"bobwatch/internal/profile/documents"
)

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The two real templates become documents that bind to a workload.
func TestRenderedTemplatesParse(t *testing.T) {
	tests := map[string]struct {
		render func() ([]byte, error)
		want   profile.Workload
	}{
		"helm": {
			render: func() ([]byte, error) {
				return Helm("ap.yaml", readFile(t, "../profile/testdata/kubescape/ap-webapp-helm-template.yaml"), HelmOptions{
					Values:    []byte("bob: {create: true, clusterName: c}\nservice: {port: 8080}\nnameOverride: \"\""),
					Release:   "webapp",
					Namespace: "shop",
				})
			},
			want: profile.Workload{Namespace: "webapp", Kind: "Deployment", Name: "webapp-mywebapp"},
		},
		"lab": {
			render: func() ([]byte, error) {
				values, err := ParseValues("bob.values", readFile(t, "testdata/bob.values"))
				if err != nil {
					return nil, err
				}
				return Placeholders("bob.yaml", readFile(t, "testdata/bob.yaml"), values)
			},
			want: profile.Workload{Namespace: "default", Kind: "Deployment", Name: "webapp"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			text, err := tt.render()
			if err != nil {
				t.Fatal(err)
			}
			if IsTemplate(text) {
				t.Error("the result still has placeholders")
			}
			profiles, err := documents.Parse(name, text)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			got := profiles[0].Spec.Workload
			if got.Namespace != tt.want.Namespace || got.Kind != tt.want.Kind || got.Name != tt.want.Name {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestPlaceholders(t *testing.T) {
	values := Values{"name": "web", "name-space": "ns", "port": "80", "CIDR": "10.0.0.0/8"}
	tests := map[string]struct{ template, want, err string }{
		"none":              {template: "a: $CIDR $(x) $value.name", want: "a: $CIDR $(x) $value.name"},
		"text follows":      {template: "a: $values.name-redis/$values.port", want: "a: web-redis/80"},
		"longest key":       {template: "a: $values.name-space.", want: "a: ns."},
		"not a prefix":      {template: "a: b\nc: $values.names", err: "f:2: no value for $values.names"},
		"reserved":          {template: "$values.CIDR", err: "f:1: no value for $values.CIDR"},
		"nothing":           {template: "$values.", err: "f:1: no value for $values."},
		"all are reported":  {template: "$values.x\n$values.y", err: "f:2: no value for $values.y"},
		"values are opaque": {template: "$values.$values.name", err: "f:1: no value for $values."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Placeholders("f", []byte(tt.template), values)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got %q, %v, want error %q", got, err, tt.err)
				}
				return
			}
			if err != nil || string(got) != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestParseValues(t *testing.T) {
	tests := map[string]struct{ line, err string }{
		"plain":         {line: "name = webapp"},
		"crlf":          {line: "name=webapp\r"},
		"with spaces":   {line: "text = two words"},
		"with equals":   {line: "text = a=b"},
		"reserved":      {line: "CIDR=172.16.0.2/30"},
		"no assignment": {line: "name", err: "v:2: want key = value"},
		"mixed case":    {line: "clusterName=x", err: "mixes upper and lower case"},
		"twice":         {line: "first=2", err: "v:2: key first a second time"},
		"empty":         {line: "name=", err: "v:2: value"},
		"mapping":       {line: "name=a: b", err: "v:2: value"},
		"mapping key":   {line: "name=a:", err: "v:2: value"},
		"comment":       {line: "name=a #b", err: "v:2: value"},
		"flow list":     {line: "name=a, b", err: "v:2: value"},
		"quote":         {line: `name="a"`, err: "v:2: value"},
		"alias":         {line: "name=*", err: "v:2: value"},
		"wildcard":      {line: "name=⋯", err: "v:2: value"},
		"control":       {line: "name=a\vb", err: "v:2: value"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			values, err := ParseValues("v", []byte("first=1\n"+tt.line+"\n# comment\n\n"))
			if tt.err == "" && (err != nil || len(values) != 2) {
				t.Errorf("got %v, %v", values, err)
			}
			if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("got %v, %v, want error %q", values, err, tt.err)
			}
		})
	}
}

// A second document of a values file does not vanish.
func TestHelmReadsAllValues(t *testing.T) {
	for values, want := range map[string]string{
		"\ufeffa: x\n": "", "---\n# off\n---\na: x\n": "", "%YAML 1.2\n---\na: x\n": "",
		"a: x\n---\nb: y\n": "values:2:1: a second document",
	} {
		got, err := Helm("f", []byte("{{ .Values.a }}"), HelmOptions{Values: []byte(values)})
		switch {
		case want == "" && (err != nil || string(got) != "x"):
			t.Errorf("%q: got %q, %v, want x", values, got, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: got %q, %v, want an error with %q", values, got, err, want)
		}
	}
}

func TestHelm(t *testing.T) {
	options := HelmOptions{
		Values: []byte("a: {b: x, n: 3}\nlist: [1, 2]"), Release: "rel", Namespace: "ns",
		Helpers: map[string][]byte{"_helpers.tpl": []byte(`{{ define "c.labels" }}app: {{ .Release.Name }}{{ end }}{{ define "c.loop" }}{{ include "c.loop" . }}{{ end }}`)},
	}
	tests := map[string]struct{ template, want, err string }{
		"value":           {template: `{{ .Values.a.b | quote }}`, want: `"x"`},
		"built-in":        {template: `{{ .Release.Namespace }}/{{ .Chart.Name }}`, want: `ns/`},
		"helper":          {template: `{{ include "c.labels" . | nindent 2 }}`, want: "\n  app: rel"},
		"convention":      {template: `{{ include "web.fullname" . }} {{ include "web.name" . }}`, want: "rel-web web"},
		"yaml":            {template: `{{ toYaml .Values.list }}`, want: "- 1\n- 2"},
		"missing":         {template: "a: 1\nb: {{ .Values.a.c }}", err: `f, rendered, line 2: a value is missing in "b: <no value>"`},
		"missing, tested": {template: `{{ if .Values.a.c }}x{{ end }}{{ .Values.a.c | default "d" }}`, want: "d"},
		"missing, quoted": {template: " # {{ .Values.a.c }} {{ .Values.a.c | quote }}", want: " # <no value> "},
		"missing parent":  {template: `{{ .Values.c.d }}`, err: "a value is missing"},
		"required":        {template: `{{ required "give x" "" }}`, err: "give x"},
		"unknown helper":  {template: `{{ include "c.other" . }}`, err: "_helpers.tpl"},
		"loop":            {template: `{{ include "c.loop" . }}`, err: "nested deeper"},
		"template loop":   {template: `{{ define "x" }}{{ template "x" }}{{ end }}{{ template "x" }}`, err: "exceeded maximum template depth"},
		"syntax":          {template: `{{ if }}`, err: "f:1"},
		"environment":     {template: `{{ env "HOME" }}`, err: `function "env" not defined`},
		"randomness":      {template: `{{ randAlpha 3 }}`, err: "not defined"},
		"amplifier":       {template: `{{ repeat 1000000000 "x" }}`, err: "not defined"},
		"wide indent":     {template: `{{ indent 1000000000 "x" }}`, err: "want 0 to 200"},
		"join, nested":    {template: `{{ $x := "aaaaaaaaaaaaaaaa" }}{{ $x = join $x (splitList "" $x) }}{{ $x = join $x (splitList "" $x) }}{{ $x = join $x (splitList "" $x) }}{{ $x = join $x (splitList "" $x) }}`, err: "too large"},
		"join":            {template: `{{ join "," .Values.list }}`, want: "1,2"},
		"replace, nested": {template: `{{ $x := "aaaaaaaaaaaaaaaa" }}{{ $x = replace "a" $x $x }}{{ $x = replace "a" $x $x }}{{ $x = replace "a" $x $x }}{{ $x = replace "a" $x $x }}`, err: "too large"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Helm("f", []byte(tt.template), options)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got %q, %v, want error %q", got, err, tt.err)
				}
				return
			}
			if err != nil || string(got) != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestBounds(t *testing.T) {
	big := []byte(strings.Repeat("x", maxInputBytes+1))
	if _, err := Helm("f", big, HelmOptions{}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Helm: %v", err)
	}
	if _, err := ParseValues("f", big); !errors.Is(err, ErrTooLarge) {
		t.Errorf("ParseValues: %v", err)
	}
	if _, err := Placeholders("f", big, nil); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Placeholders: %v", err)
	}
	long := Values{"x": strings.Repeat("y", 1<<20)}
	if _, err := Placeholders("f", []byte(strings.Repeat("$values.x\n", 17)), long); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Placeholders with a long value: %v", err)
	}
	loop := `{{ range $a := .Values.l }}{{ range $b := $.Values.l }}{{ $.Values.x }}{{ end }}{{ end }}`
	values := []byte("l: [" + strings.Repeat("1,", 999) + "1]\nx: " + strings.Repeat("y", 100))
	if _, err := Helm("f", []byte(loop), HelmOptions{Values: values}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Helm with a long output: %v", err)
	}
}

func FuzzHelm(f *testing.F) {
	f.Add(`{{ include "web.fullname" . }} {{ .Values.a | toYaml | nindent 4 }}`, "a: [1, {b: c}]")
	f.Add(`{{- if .Values.bob.create -}}x{{- end }}`, "bob: {create: true}")
	f.Fuzz(func(t *testing.T, text, values string) {
		out, err := Helm("f", []byte(text), HelmOptions{Values: []byte(values), Release: "r"})
		if err == nil && len(out) > maxOutputBytes {
			t.Errorf("rendered %d bytes", len(out))
		}
	})
}

// FuzzPlaceholders holds Placeholders to its promise that a value stays in the
// place of its placeholder, whatever a values file holds.
func FuzzPlaceholders(f *testing.F) {
	f.Add("name=web\nport=80")
	f.Add("name=a: b")
	f.Add("name=x y-z")
	template := []byte("kind: List\nname: $values.name\nlist: [$values.name, \"$values.name\", '$values.name']\nlast: end\n")
	f.Fuzz(func(t *testing.T, text string) {
		values, err := ParseValues("v", []byte(text))
		if err != nil {
			return
		}
		out, err := Placeholders("t", template, values)
		if err != nil {
			return
		}
		checkShape(t, out, values["name"])
	})
}

// checkShape fails unless out is the template's mapping, with value wherever
// the placeholder was.
func checkShape(t *testing.T, out []byte, value string) {
	t.Helper()
	var got struct {
		Kind string   `yaml:"kind"`
		Name any      `yaml:"name"`
		List []string `yaml:"list"`
		Last string   `yaml:"last"`
	}
	if err := yaml.UnmarshalWithOptions(out, &got, yaml.Strict()); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got.Kind != "List" || got.Last != "end" || len(got.List) != 3 || got.List[1] != value || got.List[2] != value {
		t.Errorf("value %q changed the document: %+v", value, got)
	}
	if _, ok := got.Name.(map[string]any); ok {
		t.Errorf("value %q became a mapping", value)
	}
}
