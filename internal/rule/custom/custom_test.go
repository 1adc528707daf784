package custom

import (
	"os"
	"strings"
	"testing"
	"time"

	"bobwatch/internal/event"
	"bobwatch/internal/rule"
	"bobwatch/internal/rule/builtin"
	"bobwatch/internal/rule/cel"
	"bobwatch/internal/severity"
)

func examples(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parse(t testing.TB, texts ...string) *Set {
	t.Helper()
	var files []File
	for _, text := range texts {
		files = append(files, File{"test.yaml", []byte(text)})
	}
	s, err := Parse(files)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The examples compile, and each does what its cases say.
func TestExamples(t *testing.T) {
	s := parse(t, string(examples(t)))
	if len(s.Rules) != 22 {
		t.Errorf("got %d rules, want 22", len(s.Rules))
	}
	outcomes, err := s.Test()
	if err != nil || len(outcomes) < 35 {
		t.Fatalf("got %d outcomes, %v", len(outcomes), err)
	}
	for _, o := range outcomes {
		if !o.Passed {
			t.Errorf("%s %s: %s", o.Rule, o.Case, o.Text)
		}
	}
	if len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "dns") {
		t.Errorf("warnings: %q", s.Warnings)
	}
}

const shell = `apiVersion: bobwatch/v1alpha1
kind: Rules
metadata: {name: x}
spec:
  rules:
  - id: my-shell
    name: Shell
    severity: high
    profileDependency: 2
    tags: [shells]
    expressions:
      message: "'shell ' + event.comm"
      ruleExpression:
      - {eventType: exec, expression: "event.exepath.endsWith('/sh')"}
`

func binding(spec string) string {
	return "apiVersion: bobwatch/v1alpha1\nkind: RuleBinding\nmetadata: {name: b}\nspec:\n  " + strings.ReplaceAll(spec, "\n", "\n  ") + "\n"
}

// check returns what becomes of /bin/sh in a container.
func check(s *Set) string {
	e := &event.Event{Kind: event.KindExec, Path: []byte("/bin/sh"), Args: []byte("sh"), NAncestors: 1}
	copy(e.Process.Comm[:], "sh")
	copy(e.Ancestors[0].Comm[:], "cron")
	subject := &cel.Subject{Arch: "amd64"}
	subject.Set(e, builtin.Container{Namespace: "shop", Labels: map[string]string{"app": "web"}}, nil)
	if !s.Due(e.Kind) {
		return "not due"
	}
	hits := s.Check(subject, false, false, nil)
	if len(hits) == 0 {
		return ""
	}
	return hits[0].Severity.String() + " " + hits[0].Message(subject)
}

func TestBindings(t *testing.T) {
	const here, none = "high shell sh", ""
	tests := map[string]struct{ binding, want string }{
		"no binding":            {"", here},
		"all":                   {"rules: [{ruleID: my-shell}]", here},
		"by name":               {"rules: [{ruleName: Shell}]", here},
		"by tag":                {"rules: [{ruleTags: [others, shells]}]", here},
		"another rule":          {"rules: [{ruleID: other}]", "not due"},
		"severity":              {"rules: [{ruleID: my-shell, severity: 10}]", "critical shell sh"},
		"this pod":              {"podSelector: {matchLabels: {app: web}}\nrules: [{ruleID: my-shell}]", here},
		"another pod":           {"podSelector: {matchLabels: {app: db}}\nrules: [{ruleID: my-shell}]", none},
		"this namespace":        {"namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}\nrules: [{ruleID: my-shell}]", here},
		"other namespaces":      {"namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [shop]}]}\nrules: [{ruleID: my-shell}]", none},
		"pods with a label":     {"podSelector: {matchExpressions: [{key: app, operator: Exists}]}\nrules: [{ruleID: my-shell}]", here},
		"pods without one":      {"podSelector: {matchExpressions: [{key: app, operator: DoesNotExist}]}\nrules: [{ruleID: my-shell}]", none},
		"dry run":               {"dryRun: true\nrules: [{ruleID: my-shell}]", none},
		"ended":                 {"expires: 2020-01-01\nrules: [{ruleID: my-shell}]", none},
		"not ended":             {"expires: " + time.Now().AddDate(1, 0, 0).Format(time.RFC3339) + "\nreason: audit\nrules: [{ruleID: my-shell}]", here},
		"ignored prefix":        {"rules: [{ruleID: my-shell, parameters: {ignorePrefixes: [/bin]}}]", none},
		"other prefix only":     {"rules: [{ruleID: my-shell, parameters: {includePrefixes: [/usr]}}]", none},
		"excluded program":      {"rules: [{ruleID: my-shell, parameters: {excludeProcesses: [{name: sh}]}}]", none},
		"excluded parent":       {"rules: [{ruleID: my-shell, parameters: {excludeParentProcesses: [{name: cron}]}}]", none},
		"another one, with all": {"rules: [{ruleID: my-shell, parameters: {ports: [1], excludeProcesses: [{name: sh, path: /x/sh}]}}]", here},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			texts := []string{shell}
			if tt.binding != "" {
				texts = append(texts, binding(tt.binding))
			}
			if got := check(parse(t, texts...)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// A binding in a namespace is for that namespace, and Kubescape's is read too.
func TestKubescapeBinding(t *testing.T) {
	const text = `apiVersion: kubescape.io/v1
kind: RuntimeRuleAlertBinding
metadata: {name: b, namespace: %}
spec: {rules: [{ruleName: Shell, severity: "5"}, {ruleName: Port forward}]}
`
	s := parse(t, shell, strings.Replace(text, "%", "shop", 1))
	if got := check(s); got != "medium shell sh" {
		t.Errorf("got %q", got)
	}
	if len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "Port forward") {
		t.Errorf("warnings: %q", s.Warnings)
	}
	if got := check(parse(t, shell, strings.Replace(text, "%", "other", 1))); got != "" {
		t.Errorf("in another namespace: got %q", got)
	}
}

// Each error names its place.
func TestRefused(t *testing.T) {
	replace := func(old, text string) string { return strings.Replace(shell, old, text, 1) }
	tests := map[string]struct{ text, want string }{
		"expression":   {replace("event.exepath.ends", "event.nothing.ends"), "test.yaml:14:45: spec.rules[0].expressions.ruleExpression[0].expression: undefined field 'nothing'"},
		"message":      {replace("'shell ' + event.comm", "event.pid"), "test.yaml:12:17"},
		"block":        {replace(`"'shell ' + event.comm"`, "|\n        'x' +\n        event.nothing"), "test.yaml:14:6: "},
		"no id":        {replace("id: my-shell", "enabled: true"), "has no id"},
		"bad id":       {replace("my-shell", "two words"), "test.yaml:6:"},
		"snake case":   {replace("profileDependency", "profile_dependency"), "unknown field"},
		"need":         {replace("profileDependency: 2", "profileDependency: 3"), "want 0, 1 or 2"},
		"severity":     {replace("high", "dreadful"), "want low"},
		"event type":   {replace("eventType: exec", "eventType: dream"), `no type of events is called "dream"`},
		"no spec":      {"apiVersion: kubescape.io/v1\nkind: Rules\nmetadata: {}\n", "has no spec"},
		"no YAML":      {"a: [", "test.yaml"},
		"selector":     {binding("namespaceSelector: {matchLabels: {team: a}}"), "of a namespace only"},
		"operator":     {binding("podSelector: {matchExpressions: [{key: a, operator: Like}]}"), "want the operator"},
		"reference":    {binding("rules: [{ruleID: a, ruleName: b}]"), "want one of"},
		"time":         {binding("expires: soon"), "want a time"},
		"field":        {binding("nothing: 1"), "unknown field"},
		"case":         {shell + "    tests: [{event: {type: dream}}]\n", "no type of events"},
		"case of what": {shell + "    tests: [{event: {type: syscall, syscall: dream}}]\n", "no system call"},
		"too many":     {"apiVersion: kubescape.io/v1\nkind: Rules\nspec: {rules: [{id: a, expressions: {message: \"''\", ruleExpression: [" + strings.Repeat("{eventType: exec, expression: 'true'},", 65) + "]}}]}\n", "want 1 to 64"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := Parse([]File{{"test.yaml", []byte(tt.text)}})
			if err == nil || s != nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// Calls that a rule judges in any case are not to become known.
func TestCalls(t *testing.T) {
	s := parse(t, string(examples(t)))
	if got := strings.Join(s.Calls(true), " "); got != "init_module finit_module delete_module ptrace" {
		t.Errorf("got %q", got)
	}
	if got := (*Set)(nil).Calls(false); got != nil {
		t.Errorf("without rules: got %q", got)
	}
}

func TestOtherKindsArePassedOver(t *testing.T) {
	s := parse(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n---\n"+shell)
	if len(s.Rules) != 1 || s.Rules[0].Severity != severity.High || s.Registered()[0].Profile != rule.IgnoresProfile {
		t.Errorf("got %+v", s.Rules)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(shell))
	f.Add([]byte(binding("rules: [{ruleID: my-shell}]")))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse([]File{{"fuzz.yaml", data}})
		if err != nil {
			return
		}
		check(s)
		_, _ = s.Test()
	})
}

// BenchmarkCheck asks 100 rules, of each kind a fifth, about an open.
func BenchmarkCheck(b *testing.B) {
	var text strings.Builder
	for range 5 {
		text.Write(examples(b))
		text.WriteString("---\n")
	}
	numbered := text.String()
	for i := range 100 {
		numbered = strings.Replace(numbered, "- id: R", "- id: X"+string(rune('a'+i/20))+string(rune('a'+i%20)), 1)
	}
	s := parse(b, numbered)
	e := &event.Event{Kind: event.KindOpen, Path: []byte("/srv/data/x"), Access: event.AccessRead}
	b.ReportAllocs()
	for b.Loop() {
		subject := &cel.Subject{Arch: "amd64"}
		subject.Set(e, builtin.Container{}, nil)
		s.Check(subject, true, true, nil)
	}
	b.ReportMetric(float64(len(s.Rules)), "rules")
}
