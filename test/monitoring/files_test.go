// Package monitoring holds what people watch bobwatch with, the alerting rules
// and the dashboard, to what a real agent tells a real Prometheus.
package monitoring

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"bobwatch/internal/agent"
	"bobwatch/internal/testenv"
)

const (
	rulesFile     = "../../deploy/prometheus/bobwatch.rules.yaml"
	rulesTestFile = "../../deploy/prometheus/bobwatch.rules.test.yaml"
	dashboardFile = "../../deploy/grafana/bobwatch.json"
)

// rule is an alerting rule, as far as the tests look at it.
type rule struct {
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	Annotations map[string]string `json:"annotations"`
}

func rules(t *testing.T) []rule {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []rule `json:"rules"`
		} `json:"groups"`
	}
	decode(t, rulesFile, &file)
	var all []rule
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) == 0 {
		t.Fatalf("%s has no rules", rulesFile)
	}
	return all
}

// query is one query of the dashboard.
type query struct {
	panel, expr string
}

// queries returns the dashboard's queries with its variables filled in, so
// that Prometheus can answer them.
func queries(t *testing.T) []query {
	t.Helper()
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	variables := strings.NewReplacer("$__rate_interval", "1m", "$__range", "5m", "$instance", ".*", "$namespace", ".*")
	var all []query
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			expr := variables.Replace(target.Expr)
			if strings.Contains(expr, "$") {
				t.Errorf("panel %q: unknown variable in %s", p.Title, expr)
			}
			all = append(all, query{p.Title, expr})
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s has no queries", dashboardFile)
	}
	return all
}

func decode(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func TestRulesWithPromtool(t *testing.T) {
	promtool := testenv.Command(t, "promtool")
	for _, args := range [][]string{{"check", "rules", rulesFile}, {"test", "rules", rulesTestFile}} {
		if out, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestEveryRuleIsTestedAndExplained sees that each rule is tested to fire and
// not to fire, and has a runbook.
func TestEveryRuleIsTestedAndExplained(t *testing.T) {
	var file struct {
		Tests []struct {
			Cases []struct {
				Alert    string `json:"alertname"`
				Expected []any  `json:"exp_alerts"`
			} `json:"alert_rule_test"`
		} `json:"tests"`
	}
	decode(t, rulesTestFile, &file)
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, test := range file.Tests {
		for _, c := range test.Cases {
			fires[c.Alert] = fires[c.Alert] || len(c.Expected) > 0
			silent[c.Alert] = silent[c.Alert] || len(c.Expected) == 0
		}
	}
	for _, r := range rules(t) {
		if !fires[r.Alert] || !silent[r.Alert] {
			t.Errorf("%s: tested to fire %t, not to fire %t", r.Alert, fires[r.Alert], silent[r.Alert])
		}
		page := r.Annotations["runbook_url"]
		if _, err := os.Stat(filepath.Join("../..", page)); page == "" || err != nil {
			t.Errorf("%s: no runbook at %q: %v", r.Alert, page, err)
		}
	}
}

var ours = regexp.MustCompile(`\bbobwatch_\w+`)

// TestMetricsExist catches a metric that was renamed.
func TestMetricsExist(t *testing.T) {
	families, err := agent.Metrics()
	if err != nil {
		t.Fatal(err)
	}
	exist := map[string]bool{}
	for _, f := range families {
		exist[f.GetName()] = true
	}
	check := func(where, expr string) {
		for _, name := range ours.FindAllString(expr, -1) {
			if !exist[name] {
				t.Errorf("%s: there is no metric %s", where, name)
			}
		}
	}
	for _, r := range rules(t) {
		check(r.Alert, r.Expr)
	}
	for _, q := range queries(t) {
		check(q.panel, q.expr)
	}
	pages, err := filepath.Glob("../../docs/runbooks/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		check(page, string(text))
	}
}
