package render

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/goccy/go-yaml"
)

// maxIncludeDepth bounds includes within includes. Charts nest a handful.
const maxIncludeDepth = 50

// maxIndent bounds how far a text may be indented.
const maxIndent = 200

// pure are the functions of sprig that templates may call: those whose result
// depends on their arguments alone and is of their arguments' size. There is
// no environment, clock, network or randomness, no cryptography, and nothing
// that makes much out of little (repeat, until).
var pure = strings.Fields(`
	abbrev add add1 all any append atoi b64dec b64enc base camelcase cat ceil clean coalesce compact concat
	contains default dict dig dir div empty ext fail first float64 floor fromJson get has hasKey hasPrefix
	hasSuffix initial int int64 isAbs kebabcase keys kindIs kindOf last list lower max min mod mul nospace
	omit pick pluck prepend quote regexMatch rest reverse round semver semverCompare set slice
	snakecase sortAlpha split splitList splitn squote sub substr swapcase ternary title toJson toPrettyJson
	toRawJson toString toStrings trim trimAll trimPrefix trimSuffix trunc tuple typeIs typeOf uniq unset untitle
	upper values without`)

// functions returns the pure ones and those that Helm adds.
func (h *helm) functions() template.FuncMap {
	all := sprig.TxtFuncMap()
	functions := make(template.FuncMap)
	for _, name := range pure {
		functions[name] = all[name]
	}
	functions["replace"] = replace
	functions["join"] = join(all["join"].(func(string, any) string))
	functions["include"] = h.include
	functions["required"] = required
	functions["toYaml"] = toYAML
	functions["indent"] = indent
	functions["nindent"] = func(spaces int, text string) (string, error) {
		indented, err := indent(spaces, text)
		return "\n" + indented, err
	}
	functions["lookup"] = func(...any) map[string]any { return map[string]any{} } // as helm template does
	return functions
}

// include renders a named template into a string.
func (h *helm) include(name string, dot any) (string, error) {
	if h.depth >= maxIncludeDepth {
		return "", fmt.Errorf("include %q: nested deeper than %d", name, maxIncludeDepth)
	}
	h.depth++
	defer func() { h.depth-- }()
	if h.root.Lookup(name) == nil {
		return h.conventional(name, dot)
	}
	out := &boundedBuffer{limit: maxOutputBytes}
	if err := h.root.ExecuteTemplate(out, name, dot); err != nil {
		return "", err
	}
	return out.String(), nil
}

// conventional renders the named templates that "helm create" writes into a
// chart's _helpers.tpl, for a profile that comes without its chart.
func (h *helm) conventional(name string, dot any) (string, error) {
	_, kind, _ := strings.Cut(name, ".")
	override := func(key string) string {
		scope, _ := dot.(map[string]any)
		values, _ := scope["Values"].(map[string]any)
		text, _ := values[key].(string)
		return text
	}
	chart := h.options.Chart
	if o := override("nameOverride"); o != "" {
		chart = o
	}
	full := override("fullnameOverride")
	switch {
	case full != "":
	case strings.Contains(h.options.Release, chart):
		full = h.options.Release
	default:
		full = h.options.Release + "-" + chart
	}
	switch kind {
	case "name":
		return objectName(chart), nil
	case "fullname":
		return objectName(full), nil
	}
	return "", fmt.Errorf("include %q: no such template; give the chart's _helpers.tpl", name)
}

// objectName cuts a name to what Kubernetes allows in a label.
func objectName(name string) string {
	if len(name) > 63 {
		name = name[:63]
	}
	return strings.TrimSuffix(name, "-")
}

func required(message string, value any) (any, error) {
	if value == nil || value == "" {
		return nil, errors.New(message)
	}
	return value, nil
}

func toYAML(value any) (string, error) {
	text, err := yaml.Marshal(value)
	return strings.TrimSuffix(string(text), "\n"), err
}

// replace bounds its result beforehand: applied to its own result a few times
// it would outgrow every memory.
func replace(old, replacement, text string) (string, error) {
	if strings.Count(text, old)*len(replacement) > maxOutputBytes {
		return "", fmt.Errorf("replace: %w", ErrTooLarge)
	}
	return strings.ReplaceAll(text, old, replacement), nil
}

// join bounds the result of sprig's for the same reason.
func join(unbounded func(string, any) string) func(string, any) (string, error) {
	return func(separator string, list any) (string, error) {
		if v := reflect.ValueOf(list); v.Kind() == reflect.Slice && v.Len()*len(separator) > maxOutputBytes {
			return "", fmt.Errorf("join: %w", ErrTooLarge)
		}
		return unbounded(separator, list), nil
	}
}

func indent(spaces int, text string) (string, error) {
	if spaces < 0 || spaces > maxIndent {
		return "", fmt.Errorf("indent by %d: want 0 to %d", spaces, maxIndent)
	}
	pad := strings.Repeat(" ", spaces)
	return pad + strings.ReplaceAll(text, "\n", "\n"+pad), nil
}
