package docs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const module = "bobwatch/"

// TestArchitecture: the table of packages in ARCHITECTURE.md says which of ours
// each may import. It is what they import, no less and no more, and depguard in
// .golangci.yml holds each of them to it.
func TestArchitecture(t *testing.T) {
	rows := tableOfPackages(t)
	rules := depguardRules(t)
	imports := importsOfPackages(t)
	for _, name := range slices.Sorted(maps.Keys(imports)) {
		want := imports[name]
		row, found := rows[name]
		switch {
		case !found:
			t.Errorf("ARCHITECTURE.md has no row of %s, add:\n| `%s` | … | %s |", name, name, shortNames(want))
		case !slices.Equal(row, want):
			t.Errorf("ARCHITECTURE.md does not have what %s imports, either the row or the code is wrong:\n  row:  %s\n  code: %s",
				name, shortNames(row), shortNames(want))
		}
		rule, found := rules[name]
		if !found || !slices.Equal(rule, want) {
			t.Errorf(".golangci.yml has no rule of depguard with what %s imports, it would be:\n%s", name, newRule(name, want))
		}
	}
	for name := range rows {
		if _, found := imports[name]; !found {
			t.Errorf("ARCHITECTURE.md has a row of %s, which is no package", name)
		}
	}
	for name := range rules {
		if _, found := imports[name]; !found {
			t.Errorf(".golangci.yml has a rule of %s, which is no package", name)
		}
	}
}

// importsOfPackages maps each package of the product to those of ours that it
// imports, by their folders.
func importsOfPackages(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./internal/...", "./cmd/...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := map[string][]string{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("read go list: %v", err)
		}
		var ours []string
		for _, path := range p.Imports {
			if name, found := strings.CutPrefix(path, module); found {
				ours = append(ours, name)
			}
		}
		slices.Sort(ours)
		packages[strings.TrimPrefix(p.ImportPath, module)] = ours
	}
}

var (
	packageRow = regexp.MustCompile("(?m)^\\| (`(?:internal|cmd)/[^|]*) \\|.*\\| ([^|]*) \\|$")
	inTicks    = regexp.MustCompile("`([^`]+)`")
)

// tableOfPackages reads the rows of ARCHITECTURE.md. A row may have several
// packages that import the same.
func tableOfPackages(t *testing.T) map[string][]string {
	t.Helper()
	rows := map[string][]string{}
	for _, m := range packageRow.FindAllStringSubmatch(read(t, filepath.Join(root, "ARCHITECTURE.md")), -1) {
		var imports []string
		if m[2] != "nothing of ours" {
			for name := range strings.SplitSeq(m[2], ", ") {
				imports = append(imports, "internal/"+name)
			}
		}
		slices.Sort(imports)
		for _, name := range inTicks.FindAllStringSubmatch(m[1], -1) {
			rows[name[1]] = imports
		}
	}
	return rows
}

// depguardRules reads what each package is allowed to import by the rule that
// has its name.
func depguardRules(t *testing.T) map[string][]string {
	t.Helper()
	var config struct {
		Linters struct {
			Settings struct {
				Depguard struct {
					Rules map[string]struct {
						Files, Allow []string
						Deny         []map[string]string
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(root, ".golangci.yml"))), &config); err != nil {
		t.Fatal(err)
	}
	rules := map[string][]string{}
	for name, rule := range config.Linters.Settings.Depguard.Rules {
		if !strings.Contains(name, "/") {
			continue // it says something else
		}
		if want := []string{"**/" + name + "/*.go", "!$test"}; !slices.Equal(rule.Files, want) {
			t.Errorf(".golangci.yml: the rule %s is for the files %q, want %q", name, rule.Files, want)
		}
		if len(rule.Deny) != 1 || rule.Deny[0]["pkg"] != "bobwatch" {
			t.Errorf(".golangci.yml: the rule %s does not deny bobwatch", name)
		}
		var imports []string
		for _, path := range rule.Allow {
			imports = append(imports, strings.TrimPrefix(path, module))
		}
		slices.Sort(imports)
		rules[name] = imports
	}
	return rules
}

func newRule(name string, imports []string) string {
	allow := ""
	if len(imports) > 0 {
		allow = "          allow:\n            - " + module + strings.Join(imports, "\n            - "+module) + "\n"
	}
	return fmt.Sprintf(`        %s:
          list-mode: lax
          files: ["**/%s/*.go", "!$test"]
%s          deny: [{pkg: bobwatch, desc: "ARCHITECTURE.md does not have this import"}]`, name, name, allow)
}

func shortNames(packages []string) string {
	if len(packages) == 0 {
		return "nothing of ours"
	}
	return strings.ReplaceAll(strings.Join(packages, ", "), "internal/", "")
}

// TestKernelPackages: tests that start containers or need root run one after
// another, without go's cache.
func TestKernelPackages(t *testing.T) {
	makefile := read(t, filepath.Join(root, "Makefile"))
	needs := regexp.MustCompile(`testenv\.Root\(|testenv\.NewContainerd\(|sensor\.Open\(`)
	listed := regexp.MustCompile(`(?m)^(?:KERNEL|E2E|VM) := (.*)$`).FindAllStringSubmatch(makefile, -1)
	var patterns []string
	for _, m := range listed {
		patterns = append(patterns, strings.Fields(m[1])...)
	}
	for _, file := range files(t, "_test.go") {
		if !needs.MatchString(read(t, file)) || strings.HasSuffix(file, "docs/architecture_test.go") {
			continue
		}
		name := "./" + strings.TrimPrefix(filepath.Dir(file), root+"/")
		if !slices.ContainsFunc(patterns, func(pattern string) bool {
			tree, found := strings.CutSuffix(pattern, "/...")
			return pattern == name || found && (name == tree || strings.HasPrefix(name, tree+"/"))
		}) && name != "./test/vm/smoke" { // test/vm runs it in its machines
			t.Errorf("%s needs the kernel, but its package is in neither KERNEL nor E2E of the Makefile: add %s", file, name)
		}
	}
}

// TestDependencies: ARCHITECTURE.md says why each direct dependency is there.
func TestDependencies(t *testing.T) {
	direct := regexp.MustCompile(`(?m)^\t(\S+) v\S+$`) // an indirect one has a comment
	reasons := map[string]bool{}
	_, section, _ := strings.Cut(read(t, filepath.Join(root, "ARCHITECTURE.md")), "\n## Dependencies\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for row := range strings.Lines(section) {
		if !strings.HasPrefix(row, "| `") {
			continue
		}
		for _, name := range inTicks.FindAllStringSubmatch(strings.Split(row, "|")[1], -1) {
			reasons[name[1]] = true
		}
	}
	for _, m := range direct.FindAllStringSubmatch(read(t, filepath.Join(root, "go.mod")), -1) {
		if !reasons[m[1]] {
			t.Errorf("ARCHITECTURE.md does not say why %s is needed: add a row under Dependencies", m[1])
		}
		delete(reasons, m[1])
	}
	for name := range reasons {
		t.Errorf("ARCHITECTURE.md says why %s is needed, which go.mod does not have", name)
	}
}
