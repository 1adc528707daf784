// Package rule holds the rules by which bobwatch raises alerts, with their names,
// severities and places in MITRE ATT&CK.
//
// Its invariant: an unknown id is carried, not refused. Alerts
// of a newer agent, and rules that users wrote, pass through older readers.
package rule

import (
	"fmt"
	"slices"
	"sync/atomic"

	"bobwatch/internal/severity"
)

// ID names a rule. Where Kubescape has a rule of the same meaning it has
// Kubescape's id, so that existing filters and dashboards go on working. Our
// own begin with BW.
type ID string

// maxID bounds an id, in bytes.
const maxID = 64

// Need says whether a rule needs a profile.
type Need uint8

// The needs, as Kubescape's profileDependency.
const (
	// NeedsProfile: the rule compares with a profile, and is silent without one.
	NeedsProfile Need = iota
	// UsesProfile: the rule needs none, but one that allows the act excuses it.
	UsesProfile
	// IgnoresProfile: the act is wrong even if a profile allows it.
	IgnoresProfile
)

// Rule is one way in which something can be wrong.
type Rule struct {
	ID   ID
	Name string
	// Severity is the lowest severity that the rule gives an act. The details of
	// the act may raise it.
	Severity severity.Severity
	Profile  Need
	// Tactic and Technique are the ids of MITRE ATT&CK for Enterprise, such as
	// TA0002 and T1059.004; empty for a rule that is not about an attacker's act.
	Tactic, Technique string
}

// custom are the rules that users wrote, replaced as a whole.
var custom atomic.Pointer[map[ID]Rule]

// SetCustom registers the rules that users wrote, in place of those before. One
// that has the id of a rule of bobwatch's keeps bobwatch's entry.
func SetCustom(rules []Rule) {
	byID := make(map[ID]Rule, len(rules))
	for _, r := range rules {
		byID[r.ID] = r
	}
	custom.Store(&byID)
}

// Lookup returns the rule that is called id, if it is registered.
func Lookup(id ID) (Rule, bool) {
	if i, ok := byID[id]; ok {
		return registered[i], true
	}
	if rules := custom.Load(); rules != nil {
		r, ok := (*rules)[id]
		return r, ok
	}
	return Rule{}, false
}

// All returns bobwatch's own rules, sorted by id.
func All() []Rule {
	all := slices.Clone(registered)
	slices.SortFunc(all, func(a, b Rule) int { return compare(a.ID, b.ID) })
	return all
}

// compare puts Kubescape's ids before ours.
func compare(a, b ID) int {
	switch ours, theirs := len(a) > 0 && a[0] == 'B', len(b) > 0 && b[0] == 'B'; {
	case ours && !theirs:
		return 1
	case theirs && !ours:
		return -1
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Parse checks that text can be an id: 1 to 64 letters, digits, dots, hyphens
// and underscores. It need not be registered.
func Parse(text string) (ID, error) {
	if text == "" || len(text) > maxID {
		return "", fmt.Errorf("rule %.*q: want 1 to %d characters", maxID, text, maxID)
	}
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '_':
		default:
			return "", fmt.Errorf("rule %q: want letters, digits, dots, hyphens and underscores", text)
		}
	}
	return ID(text), nil
}

// String returns the id.
func (id ID) String() string { return string(id) }

// Name returns the rule's name, such as "Unexpected process launched", or the
// id if the rule is not registered.
func (id ID) Name() string {
	if r, ok := Lookup(id); ok {
		return r.Name
	}
	return string(id)
}

// UnmarshalText implements encoding.TextUnmarshaler. The zero ID, of an act that breaks no rule, is read as it is written.
func (id *ID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = ""
		return nil
	}
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}
