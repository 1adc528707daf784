package rule

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bobwatch/internal/severity"
)

func TestRegistry(t *testing.T) {
	ids, names := map[ID]bool{}, map[string]bool{}
	tactic, technique := regexp.MustCompile(`^TA00\d\d$`), regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)
	for _, r := range All() {
		if ids[r.ID] || names[r.Name] {
			t.Errorf("%s: the id or the name %q is taken", r.ID, r.Name)
		}
		ids[r.ID], names[r.Name] = true, true
		if _, err := Parse(string(r.ID)); err != nil {
			t.Error(err)
		}
		if r.Tactic != "" && (!tactic.MatchString(r.Tactic) || !technique.MatchString(r.Technique)) {
			t.Errorf("%s: tactic %q, technique %q", r.ID, r.Tactic, r.Technique)
		}
		if got, ok := Lookup(r.ID); !ok || got != r {
			t.Errorf("Lookup(%s): got %v, %t", r.ID, got, ok)
		}
	}
	all := All()
	if !slices.IsSortedFunc(all, func(a, b Rule) int { return compare(a.ID, b.ID) }) || all[0].ID != UnexpectedProcess {
		t.Errorf("All: not sorted, or begins with %s", all[0].ID)
	}
}

// What a newer agent or a user calls a rule is carried.
func TestUnknownID(t *testing.T) {
	tests := map[string]bool{
		"": true, "R0001": true, "R9999": true, "my-rule_2.b": true,
		"two words": false, "\x1b[31m": false, "⋯": false, strings.Repeat("x", maxID+1): false,
	}
	for text, want := range tests {
		raw, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var id ID
		err = json.Unmarshal(raw, &id)
		if (err == nil) != want || want && string(id) != text {
			t.Errorf("%q: got %q, %v", text, id, err)
		}
	}
	if got := ID("R9999").Name(); got != "R9999" {
		t.Errorf("name of an unknown rule: got %q", got)
	}
}

func TestTally(t *testing.T) {
	var tally Tally
	tally.Add(UnexpectedProcess, severity.High, 2)
	tally.Add("mine", severity.Low, 1)
	var got []string
	for grade, n := range tally.Counts() {
		got = append(got, fmt.Sprint(grade.Rule, " ", grade.Severity, " ", n))
	}
	if want := "R0001 high 2, mine low 1"; strings.Join(got, ", ") != want {
		t.Errorf("Counts: got %s, want %s", strings.Join(got, ", "), want)
	}
	series := maps.Collect(tally.Series())
	_, zero := series[Grade{KernelModuleLoad, severity.Critical}]
	_, never := series[Grade{KernelModuleLoad, severity.High}]
	if !zero || never || series[Grade{"mine", severity.Low}] != 1 {
		t.Errorf("Series: got %v", series)
	}
	for i := range 2 * maxTallied {
		tally.Add(ID(fmt.Sprint("x", i)), severity.Low, 1)
	}
	if n := len(tally.counts); n > maxTallied+1 {
		t.Errorf("got %d rules apart, want at most %d", n, maxTallied+1)
	}
	if got, want := tally.Total(), uint64(3+2*maxTallied); got != want {
		t.Errorf("Total: got %d, want %d", got, want)
	}
}
