// Package rulebook lists, explains and tests rules, for bobctl rule.
package rulebook

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"bobwatch/internal/docfile"
	"bobwatch/internal/rule"
	"bobwatch/internal/rule/builtin"
	"bobwatch/internal/rule/custom"
	"bobwatch/internal/term"
)

// ruleInfo describes a rule.
type ruleInfo struct {
	ID        rule.ID `json:"id"`
	Name      string  `json:"name"`
	Severity  string  `json:"severity"`
	Profile   string  `json:"profile"`
	Tactic    string  `json:"tactic,omitempty"`
	Technique string  `json:"technique,omitempty"`
	About     string  `json:"about,omitempty"`
	Blind     string  `json:"blind,omitempty"`
}

var needs = map[rule.Need]string{rule.NeedsProfile: "needs", rule.UsesProfile: "uses", rule.IgnoresProfile: "ignores"}

func infoOf(r rule.Rule) ruleInfo {
	return ruleInfo{
		ID: r.ID, Name: r.Name, Severity: r.Severity.String(), Profile: needs[r.Profile],
		Tactic: r.Tactic, Technique: r.Technique,
	}
}

// builtins returns the rules of this version.
func builtins() []ruleInfo {
	var all []ruleInfo
	judged := builtin.All()
	for _, r := range rule.All() {
		info := infoOf(r)
		if i := slices.IndexFunc(judged, func(b builtin.Rule) bool { return b.ID == r.ID }); i >= 0 {
			info.About, info.Blind = judged[i].About, judged[i].Blind
		}
		all = append(all, info)
	}
	return all
}

// ruleFiles reads rules from files. paths may be empty.
func ruleFiles(t *term.Terminal, paths []string) (*custom.Set, error) {
	var files []custom.File
	for _, path := range paths {
		data, err := docfile.Read(t.In, path)
		if err != nil {
			return nil, err
		}
		files = append(files, custom.File{Name: docfile.NameOf(path), Data: data})
	}
	return custom.Parse(files)
}

func allRules(t *term.Terminal, paths []string) ([]ruleInfo, error) {
	set, err := ruleFiles(t, paths)
	if err != nil {
		return nil, err
	}
	all := builtins()
	for _, r := range set.Rules {
		info := infoOf(r.Rule)
		info.About = r.Description
		if i := slices.IndexFunc(all, func(b ruleInfo) bool { return b.ID == r.ID }); i >= 0 {
			all[i] = info
			continue
		}
		all = append(all, info)
	}
	return all, nil
}

// Book is the rules of this version and of some files.
type Book struct {
	Terminal *term.Terminal
	Format   term.Format
}

// List prints the built-in rules and those of files.
func (o Book) List(files []string) error {
	all, err := allRules(o.Terminal, files)
	if err != nil {
		return err
	}
	if o.Format != term.Table {
		return o.Format.Encode(o.Terminal.Out, all)
	}
	for _, r := range all {
		fmt.Fprintf(o.Terminal.Out, "%-8s %-8s %-8s %s\n", term.Escape(string(r.ID)), r.Severity, r.Profile, term.Escape(r.Name))
	}
	return nil
}

// Explain prints all that is known of one rule.
func (o Book) Explain(id string, files []string) error {
	all, err := allRules(o.Terminal, files)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(r ruleInfo) bool { return strings.EqualFold(string(r.ID), id) })
	if i < 0 {
		return fmt.Errorf("no rule is called %s; bobctl rule list has them all", term.Escape(id))
	}
	if o.Format != term.Table {
		return o.Format.Encode(o.Terminal.Out, all[i])
	}
	explain(o.Terminal.Out, &all[i])
	return nil
}

func explain(out io.Writer, r *ruleInfo) {
	fmt.Fprintf(out, "%s  %s\n", term.Escape(string(r.ID)), term.Escape(r.Name))
	for _, line := range [][2]string{
		{"severity", "at least " + r.Severity},
		{"profile", profileSentences[r.Profile]},
		{"ATT&CK", strings.TrimSpace(r.Tactic + " " + r.Technique)},
		{"raised for", r.About},
		{"misses", r.Blind},
	} {
		if line[1] != "" {
			fmt.Fprintf(out, "  %-10s  %s\n", line[0], term.Escape(line[1]))
		}
	}
}

var profileSentences = map[string]string{
	"needs":   "reports acts that the profile of a guarded workload does not allow",
	"uses":    "reports acts unless a profile allows them",
	"ignores": "reports acts whatever a profile allows",
}

// Test runs the tests that rule files bring along. A test that fails, and a rule
// without one, is an answer of no.
func (o Book) Test(files []string) error {
	set, err := ruleFiles(o.Terminal, files)
	if err != nil {
		return err
	}
	outcomes, err := set.Test()
	if err != nil {
		return err
	}
	failed := 0
	for i := range outcomes {
		if !outcomes[i].Passed {
			failed++
		}
	}
	untested := 0
	for _, r := range set.Rules {
		if len(r.Cases) == 0 {
			fmt.Fprintf(o.Terminal.Err, "rule %s has no tests\n", term.Escape(string(r.ID)))
			untested++
		}
	}
	if o.Format != term.Table {
		if err := o.Format.Encode(o.Terminal.Out, outcomes); err != nil {
			return err
		}
	} else {
		for i := range outcomes {
			fmt.Fprintln(o.Terminal.Out, outcomeLine(o.Terminal, &outcomes[i]))
		}
		fmt.Fprintf(o.Terminal.Out, "%d rules, %d tests, %d failed\n", len(set.Rules), len(outcomes), failed)
	}
	if failed+untested > 0 {
		return term.ErrFound
	}
	return nil
}

func outcomeLine(t *term.Terminal, o *custom.Outcome) string {
	word := t.Colour(term.Green, "ok  ")
	if !o.Passed {
		word = t.Colour(term.Red, "FAIL")
	}
	line := fmt.Sprintf("%s  %s  %s", word, term.Escape(string(o.Rule)), term.Escape(o.Case))
	if o.Text != "" {
		line += ": " + term.Escape(o.Text)
	}
	return line
}
