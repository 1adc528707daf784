package custom

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"bobwatch/internal/rule"
	"bobwatch/internal/rule/cel"
	"bobwatch/internal/severity"
	"bobwatch/internal/yamlfile"
)

// Kinds of objects.
const (
	kindRules            = "Rules"
	kindBinding          = "RuleBinding"
	kindKubescapeBinding = "RuntimeRuleAlertBinding"

	ourVersion       = "bobwatch/v1alpha1"
	kubescapeVersion = "kubescape.io/v1"
)

// Limits of files with rules.
const (
	maxRules    = 1024
	maxBindings = 1024
	maxEntries  = 64 // expressions, tags and cases of a rule
)

// File is one text with objects.
type File struct {
	Name string
	Data []byte
}

// IsRules reports whether a document's head names an object of this package.
func IsRules(apiVersion, kind string) bool {
	switch kind {
	case kindRules:
		return apiVersion == ourVersion || apiVersion == kubescapeVersion
	case kindBinding:
		return apiVersion == ourVersion
	}
	return kind == kindKubescapeBinding && apiVersion == kubescapeVersion
}

// Parse reads the rules and bindings of all files. Objects of other kinds are
// passed over. An error names file, line and column; it makes no set. A rule
// that is defined twice is the last one.
func Parse(files []File) (*Set, error) {
	p := parser{rules: map[rule.ID]*Rule{}}
	var errs []error
	for _, f := range files {
		errs = append(errs, p.file(f))
	}
	if len(p.rules) > maxRules || len(p.bindings) > maxBindings {
		errs = append(errs, fmt.Errorf("%d rules and %d bindings, at most %d and %d are allowed", len(p.rules), len(p.bindings), maxRules, maxBindings))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return p.set(), nil
}

type parser struct {
	*yamlfile.Reader
	rules    map[rule.ID]*Rule
	bindings []*Binding
	warnings []string
}

func (p *parser) file(f File) error {
	documents, err := yamlfile.Documents(f.Name, f.Data)
	if err != nil {
		return err
	}
	p.Reader = yamlfile.NewReader(f.Name)
	for _, doc := range documents {
		version, kind := yamlfile.Head(doc)
		if !IsRules(version, kind) {
			continue
		}
		spec := p.Lookup(doc, "spec")
		if spec == nil {
			p.Fail(doc, "has no spec")
			continue
		}
		if kind == kindRules {
			for _, n := range p.Items(p.Lookup(spec, "rules")) {
				p.rule(n)
			}
			continue
		}
		p.binding(p.Lookup(doc, "metadata"), spec)
	}
	return p.Err()
}

var technique = regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)

// rule reads one entry of spec.rules. A disabled one is dropped.
func (p *parser) rule(n *yamlfile.Node) {
	r := &Rule{expressions: map[string][]*cel.Expression{}}
	enabled := true
	expressions := (*yamlfile.Node)(nil)
	for _, field := range p.Fields(n) {
		switch field.Key {
		case "enabled":
			enabled = p.Flag(field)
		case "id":
			id, err := rule.Parse(p.Text(field))
			if err != nil {
				p.Fail(field, "%v", err)
			}
			r.ID = id
		case "name":
			r.Name = p.Text(field)
		case "description":
			r.Description = p.Text(field)
		case "severity":
			r.Severity = p.severity(field)
		case "profileDependency":
			r.Profile = p.need(field)
		case "mitreTactic":
			r.Tactic = p.Text(field)
		case "mitreTechnique":
			if r.Technique = p.Text(field); r.Technique != "" && !technique.MatchString(r.Technique) {
				p.Fail(field, "want a technique such as T1059.004")
			}
		case "tags":
			r.Tags = p.bounded(field)
		case "state":
			r.parameters = p.parameters(field)
		case "expressions":
			expressions = field
		case "tests":
			r.Cases = p.cases(field)
		case "supportPolicy", "isTriggerAlert", "profileDataRequired", "agentVersionRequirement":
			// Kubescape's; nothing here depends on them.
		default:
			p.Fail(field, "unknown field; keys are written as profileDependency")
		}
	}
	switch {
	case r.ID == "":
		p.Fail(n, "has no id")
	case expressions == nil:
		p.Fail(n, "has no expressions")
	case enabled:
		p.expressions(r, expressions)
		r.Name = cmp.Or(r.Name, string(r.ID))
		p.rules[r.ID] = r
	}
}

func (p *parser) bounded(n *yamlfile.Node) []string {
	texts := p.Strings(n)
	if len(texts) > maxEntries {
		p.Fail(n, "has %d entries, at most %d are allowed", len(texts), maxEntries)
		return nil
	}
	return texts
}

// expressions compiles the expressions of r.
func (p *parser) expressions(r *Rule, n *yamlfile.Node) {
	if message := p.Lookup(n, "message"); message != nil {
		r.message = p.compile(message, cel.CompileText)
	} else {
		p.Fail(n, "has no message")
	}
	if unique := p.Lookup(n, "uniqueId"); unique != nil {
		p.compile(unique, cel.CompileText) // alerts have fingerprints of their own
	}
	entries := p.Items(p.Lookup(n, "ruleExpression"))
	if len(entries) == 0 || len(entries) > maxEntries {
		p.Fail(n, "has %d entries in ruleExpression, want 1 to %d", len(entries), maxEntries)
		return
	}
	for _, entry := range entries {
		typ, text := p.Lookup(entry, "eventType"), p.Lookup(entry, "expression")
		if typ == nil || text == nil {
			p.Fail(entry, "want eventType and expression")
			continue
		}
		name := p.Text(typ)
		known := slices.ContainsFunc(eventTypes, func(t eventType) bool { return t.name == name })
		if !known && slices.Contains(unseenTypes, name) {
			p.warnings = append(p.warnings, fmt.Sprintf("rule %s: no event is of the type %s", r.ID, name))
			continue
		} else if !known {
			p.Fail(typ, "no type of events is called %q", name)
			continue
		}
		if x := p.compile(text, cel.Compile); x != nil {
			r.expressions[name] = append(r.expressions[name], x)
		}
	}
	for name := range r.expressions {
		r.EventTypes = append(r.EventTypes, name)
	}
	slices.Sort(r.EventTypes)
}

func (p *parser) compile(n *yamlfile.Node, compile func(string) (*cel.Expression, error)) *cel.Expression {
	x, err := compile(p.Text(n))
	if at := (*cel.Error)(nil); errors.As(err, &at) {
		p.FailWithin(n, at.Line, at.Column, "%s", at.Message)
	} else if err != nil {
		p.Fail(n, "%v", err)
	}
	return x
}

var severities = map[string]severity.Severity{
	"low": severity.Low, "medium": severity.Medium, "high": severity.High, "critical": severity.Critical,
}

// severity reads a word, or Kubescape's number from 1 to 10.
func (p *parser) severity(n *yamlfile.Node) severity.Severity {
	text := p.Text(n)
	if grade, ok := severities[strings.ToLower(text)]; ok {
		return grade
	}
	number, err := strconv.Atoi(text)
	if err != nil || number < 0 || number > 10 {
		p.Fail(n, "want low, medium, high, critical or a number from 0 to 10, got %q", text)
	}
	switch {
	case number >= 10:
		return severity.Critical
	case number >= 8:
		return severity.High
	case number >= 5:
		return severity.Medium
	}
	return severity.Low
}

func (p *parser) need(n *yamlfile.Node) rule.Need {
	number, err := strconv.Atoi(p.Text(n))
	if err != nil || number < 0 || number > 2 {
		p.Fail(n, "want 0, 1 or 2")
		return rule.NeedsProfile
	}
	return rule.Need(number)
}

// parameters reads those that narrow a rule; Kubescape ignores others as well.
func (p *parser) parameters(n *yamlfile.Node) (got parameters) {
	for _, field := range p.Fields(n) {
		switch field.Key {
		case "ignorePrefixes":
			got.ignorePrefixes = p.bounded(field)
		case "includePrefixes":
			got.includePrefixes = p.bounded(field)
		case "direction":
			got.direction = p.Text(field)
		case "ports":
			for _, item := range p.Elements(field) {
				port, err := strconv.ParseUint(p.Text(item), 10, 16)
				if err != nil {
					p.Fail(item, "want a port")
				}
				got.ports = append(got.ports, uint16(min(port, math.MaxUint16)))
			}
		case "excludeProcesses":
			got.excludeProcesses = p.excluded(field)
		case "excludeParentProcesses":
			got.excludeParents = p.excluded(field)
		}
	}
	return got
}

func (p *parser) excluded(n *yamlfile.Node) (all []excluded) {
	for _, item := range p.Items(n) {
		all = append(all, excluded{name: p.Text(p.Lookup(item, "name")), path: p.Text(p.Lookup(item, "path"))})
	}
	return all
}

func (p *parser) binding(metadata, spec *yamlfile.Node) {
	b := &Binding{Name: p.Text(p.Lookup(metadata, "name")), Namespace: p.Text(p.Lookup(metadata, "namespace"))}
	for _, field := range p.Fields(spec) {
		switch field.Key {
		case "namespaceSelector":
			b.namespaces = p.selector(field)
			for i := range b.namespaces {
				if b.namespaces[i].key != namespaceLabel {
					p.Fail(field, "selects by %s; of a namespace only %s is known", b.namespaces[i].key, namespaceLabel)
				}
			}
		case "podSelector":
			b.pods = p.selector(field)
		case "rules":
			for _, item := range p.Items(field) {
				b.rules = append(b.rules, p.reference(item))
			}
		case "dryRun":
			b.DryRun = p.Flag(field)
		case "reason":
			b.Reason = p.Text(field)
		case "expires":
			b.Expires = p.time(field)
		default:
			p.Fail(field, "unknown field")
		}
	}
	p.bindings = append(p.bindings, b)
}

func (p *parser) time(n *yamlfile.Node) time.Time {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, p.Text(n)); err == nil {
			return t
		}
	}
	p.Fail(n, "want a time such as 2026-12-31 or 2026-12-31T12:00:00Z")
	return time.Time{}
}

func (p *parser) reference(n *yamlfile.Node) (r reference) {
	given := 0
	for _, field := range p.Fields(n) {
		switch field.Key {
		case "ruleID":
			r.id = p.Text(field)
			given++
		case "ruleName":
			r.name = p.Text(field)
			given++
		case "ruleTags":
			r.tags = p.bounded(field)
			given++
		case "severity":
			if p.Text(field) != "" {
				r.severity, r.graded = p.severity(field), true
			}
		case "parameters":
			r.parameters = p.parameters(field)
		default:
			p.Fail(field, "unknown field")
		}
	}
	if given != 1 {
		p.Fail(n, "want one of ruleID, ruleName and ruleTags")
	}
	return r
}

func (p *parser) selector(n *yamlfile.Node) (s selector) {
	for key, value := range p.Table(p.Lookup(n, "matchLabels")) {
		s = append(s, requirement{key, "In", []string{value}})
	}
	for _, item := range p.Items(p.Lookup(n, "matchExpressions")) {
		r := requirement{p.Text(p.Lookup(item, "key")), p.Text(p.Lookup(item, "operator")), p.optional(p.Lookup(item, "values"))}
		if !slices.Contains([]string{"In", "NotIn", "Exists", "DoesNotExist"}, r.operator) {
			p.Fail(item, "want the operator In, NotIn, Exists or DoesNotExist")
		}
		s = append(s, r)
	}
	return s
}

// optional is bounded of a list that need not be there.
func (p *parser) optional(n *yamlfile.Node) []string {
	if n == nil {
		return nil
	}
	return p.bounded(n)
}

// Holds reports whether a text has an object of this package.
func Holds(name string, data []byte) bool {
	documents, err := yamlfile.Documents(name, data)
	return err == nil && slices.ContainsFunc(documents, func(doc *yamlfile.Node) bool { return IsRules(yamlfile.Head(doc)) })
}
