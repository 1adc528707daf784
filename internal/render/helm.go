package render

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"text/template"

	"bobwatch/internal/yamlfile"

	"github.com/goccy/go-yaml"
)

// HelmOptions are the values that a chart's template may use in addition to its text.
type HelmOptions struct {
	// Values is the content of a values file, read as .Values.
	Values []byte
	// Helpers are further template files with named templates (_helpers.tpl).
	Helpers map[string][]byte
	// Release and Namespace are .Release.Name and .Release.Namespace.
	Release   string
	Namespace string
	// Chart is .Chart.Name. Empty means the prefix of the template's includes:
	// mywebapp for {{ include "mywebapp.fullname" . }}.
	Chart string
}

// Helm renders one template of a chart as helm template does, with these
// differences: a missing value that gets into the document is an error, and only
// the functions profiles have a use for exist. The templates name and fullname, which "helm
// create" puts into every chart, need not be given.
//
// A template is a program: its output is bounded, but not its running time and the memory
// of its variables.
func Helm(file string, text []byte, o HelmOptions) ([]byte, error) {
	for what, data := range map[string][]byte{file: text, "values": o.Values} {
		if err := checkInput(what, data); err != nil {
			return nil, err
		}
	}
	values := make(map[string]any)
	if err := unmarshalValues(o.Values, &values); err != nil {
		return nil, fmt.Errorf("%s: read values: %w", file, err)
	}
	h := &helm{options: o, root: template.New(file)}
	h.root.Funcs(h.functions())
	for name, helper := range o.Helpers {
		if err := checkInput(name, helper); err != nil {
			return nil, err
		}
		if err := h.parse(name, helper); err != nil {
			return nil, err
		}
	}
	if err := h.parse(file, text); err != nil {
		return nil, err
	}
	if h.options.Chart == "" {
		h.options.Chart = chartOf(text)
	}
	out := &boundedBuffer{limit: maxOutputBytes}
	if err := h.root.ExecuteTemplate(out, file, h.scope(values)); err != nil {
		return nil, fmt.Errorf("render %s: %w", file, err)
	}
	if err := reportMissing(file, out.Bytes()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// missing is the output of text/template for a missing value.
const missing = "<no value>"

// reportMissing finds missing values in the output. Templates test for values that may be
// missing, and mention them in YAML comments; anywhere else a missing value would change
// the meaning of the document.
func reportMissing(file string, rendered []byte) error {
	var errs []error
	number := 0
	for line := range strings.Lines(string(rendered)) {
		number++
		line = strings.TrimSpace(line)
		if strings.Contains(line, missing) && !strings.HasPrefix(line, "#") {
			errs = append(errs, fmt.Errorf("%s, rendered, line %d: a value is missing in %q", file, number, line))
		}
	}
	return errors.Join(errs...)
}

// unmarshalValues reads a values file. The library is known to panic on
// malformed input; that is an error like any other.
func unmarshalValues(data []byte, values *map[string]any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("malformed YAML: %v", p)
		}
	}()
	if bytes.Contains(data, []byte("*")) && bytes.Contains(data, []byte("&")) {
		// An alias can multiply what it names without bound.
		return errors.New("anchors and aliases are not read")
	}
	data, err = yamlfile.Single("values", data)
	if err != nil {
		return err
	}
	return yaml.Unmarshal(data, values)
}

// helm is one rendering.
type helm struct {
	options HelmOptions
	root    *template.Template
	depth   int // of nested includes
}

func (h *helm) parse(name string, text []byte) error {
	if _, err := h.root.New(name).Parse(string(text)); err != nil {
		return fmt.Errorf("parse template: %w", err)
	}
	return nil
}

// scope is the dot of the template.
func (h *helm) scope(values map[string]any) map[string]any {
	return map[string]any{
		"Values": values,
		"Chart":  map[string]any{"Name": h.options.Chart, "Version": "0.0.0", "AppVersion": "0.0.0"},
		"Release": map[string]any{
			"Name": h.options.Release, "Namespace": h.options.Namespace, "Service": "Helm",
			"IsInstall": true, "IsUpgrade": false, "Revision": 1,
		},
	}
}

// chartOf guesses the chart's name from the names of the templates it includes.
func chartOf(text []byte) string {
	_, rest, _ := strings.Cut(string(text), `include "`)
	name, _, _ := strings.Cut(rest, `"`)
	chart, _, found := strings.Cut(name, ".")
	if !found {
		return ""
	}
	return chart
}

// boundedBuffer is a buffer that fails when it would exceed limit bytes.
type boundedBuffer struct {
	bytes.Buffer
	limit int
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.limit {
		return 0, fmt.Errorf("%w: renders to more than %d bytes", ErrTooLarge, b.limit)
	}
	return b.Buffer.Write(p)
}
