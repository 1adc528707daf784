package builtin

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/rule"
)

var updatePage = flag.Bool("update-page", false, "write docs/rules.md")

// TestPage compares the page about built-in rules with the rules. go generate writes it.
func TestPage(t *testing.T) {
	file := filepath.Join("..", "..", "..", "docs", "rules.md")
	want := page()
	if *updatePage {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is out of date; run go generate (-fresh +committed):\n%s", file, diff)
	}
}

const introduction = `# Built-in rules

These rules judge single acts, and do not depend on what is normal for the workload. [alerts.md](alerts.md#rules) has the rules that compare with a profile, and those about the agent itself. %[1]sgo generate%[1]s writes this page from the code.

The column *profile* says how a rule and a profile go together:

- *needs*: the rule applies to acts that the profile of a guarded workload does not allow. It gives such an act its own name, technique and severity.
- *uses*: the rule also applies while a workload learns and where nothing describes it. A profile that allows the act excuses it.
- *ignores*: no profile excuses the act, only a [silence](sinks.md#silences) does.

A severity is the least that an alert of the rule has. "Container with an image" excludes the cgroups of the node, such as services of systemd, where these acts are normal. Rules judge the acts that the kernel sends: while a workload learns, it sends each system call, open and peer once.

All rules are on. No rule fires for the five workloads of the end-to-end tests, while they learn or afterwards.

| id | name | raised for | misses | severity | profile | ATT&CK |
|---|---|---|---|---|---|---|
`

var needs = map[rule.Need]string{rule.NeedsProfile: "needs", rule.UsesProfile: "uses", rule.IgnoresProfile: "ignores"}

func page() string {
	var b strings.Builder
	fmt.Fprintf(&b, introduction, "`")
	for _, about := range rule.All() {
		rules := All()
		i := slices.IndexFunc(rules, func(r Rule) bool { return r.ID == about.ID })
		if i < 0 {
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s %s |\n", about.ID, about.Name, cell(rules[i].About),
			cell(rules[i].Blind), about.Severity, needs[about.Profile], about.Tactic, about.Technique)
	}
	return b.String()
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
