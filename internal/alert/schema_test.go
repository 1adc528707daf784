package alert

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/profile"
	"bobwatch/internal/schema"
	"bobwatch/internal/severity"
)

var updateSchema = flag.Bool("update-schema", false, "write the JSON schema of alerts")

// schemaFile is what readers of alerts are pointed to.
var schemaFile = filepath.Join("..", "..", "docs", "alert.schema.json")

// TestSchema compares the committed schema with the one that the types and
// their comments give. go generate writes it.
func TestSchema(t *testing.T) {
	want, err := schema.Of(reflect.TypeFor[Alert](), schema.Options{
		Title: "Alert",
		Files: []string{
			"alert.go", "story.go", "allow.go", "syscall.go", "exec.go", "open.go", "moved.go", filepath.Join("..", "profile", "profile.go"),
		},
		Enums: map[reflect.Type][]any{
			reflect.TypeFor[severity.Severity](): {"low", "medium", "high", "critical"},
		},
		Required:   []string{"schema", "id", "fingerprint", "rule", "severity", "message", "count", "first", "last", "workload", "container"},
		Properties: map[string]any{"schema": map[string]any{"const": SchemaVersion}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if *updateSchema {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is out of date; run go generate (-fresh +committed):\n%s", schemaFile, diff)
	}
}

// frozen holds alerts of each kind as the first version with a schema wrote
// them. It is never written again: a version that cannot read it breaks its
// users.
var frozen = filepath.Join("testdata", "alerts-v1.jsonl")

// TestFrozenAlerts wants every field of an old alert read, and written again.
func TestFrozenAlerts(t *testing.T) {
	raw, err := os.ReadFile(frozen)
	if err != nil {
		t.Fatal(err)
	}
	kinds := 0
	for line := range strings.Lines(string(raw)) {
		var a Alert
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		kinds |= 1 << deviationKind(&a)
		var again bytes.Buffer
		if err := JSON(&again, &a); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(generic(t, []byte(line)), generic(t, again.Bytes())); diff != "" {
			t.Errorf("an old alert, read and written (-old +again):\n%s", diff)
		}
	}
	if kinds != 0b1111 {
		t.Errorf("kinds of acts in %s: got %b, want all four", frozen, kinds)
	}
}

func deviationKind(a *Alert) int {
	switch d := &a.Deviation; {
	case d.Syscall != nil:
		return 0
	case d.Exec != nil:
		return 1
	case d.Open != nil:
		return 2
	}
	return 3
}

func generic(t *testing.T, text []byte) any {
	t.Helper()
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// A newer agent adds fields, rules and kinds of acts.
func TestAlertsOfANewerVersion(t *testing.T) {
	const line = `{"schema":1,"id":"i","fingerprint":"f","rule":"R9999","ruleName":"New","also":["R8888"],` +
		`"severity":"high","message":"new act by x","count":1,"first":"2026-01-02T03:04:05Z","last":"2026-01-02T03:04:05Z",` +
		`"workload":{"name":"w","cluster":"c"},"container":{"id":"c"},"deviation":{"connection":{"peer":"10.0.0.1"}},` +
		`"allow":{"workload":{"name":"w"},"container":{"name":"web","connections":[{"peer":"10.0.0.1"}]}},"verdict":{"by":"x"}}`
	var a Alert
	if err := json.Unmarshal([]byte(line), &a); err != nil {
		t.Fatal(err)
	}
	if a.Rule != "R9999" || a.RuleName != "New" || a.Message != "new act by x" || a.Workload.Name != "w" {
		t.Errorf("got %+v", a)
	}
	var text bytes.Buffer
	if err := Text(false)(&text, &a); err != nil || !strings.Contains(text.String(), "R9999 w new act by x") {
		t.Errorf("as text: got %q, %v", text.String(), err)
	}
}

// A teller has every part. That each kind has one is TestEveryPlaceNamesEveryKind's.
func TestTellersAreComplete(t *testing.T) {
	for kind, teller := range tellers {
		if teller.describe == nil || teller.identity == nil || teller.sentence == nil || teller.allow == nil {
			t.Errorf("the teller of kind %d lacks a part", kind)
		}
	}
}

// A record that is read twice is one alert, and another act is another.
func TestIDIsStable(t *testing.T) {
	of := func(at uint64) Alert {
		e := openOf("/etc/shadow")
		e.Time = at
		return newBuilder().Build(deviation(e), webapp())
	}
	if a, b := of(7), of(7); a.ID != b.ID || a.ID == "" {
		t.Errorf("ids of one act: got %q and %q", a.ID, b.ID)
	}
	if a, b := of(7), of(8); a.ID == b.ID || a.Fingerprint != b.Fingerprint {
		t.Errorf("two acts of one incident: got ids %q and %q", a.ID, b.ID)
	}
}

// A name that turns the direction of text is escaped, and means itself.
func TestAllowanceIsPrintable(t *testing.T) {
	a := &Allowance{Container: profile.Container{Name: "web", Opens: []profile.Open{{Path: "/x\u202ey\U000e0041\u00a0é", Flags: []string{"O_RDONLY"}}}}}
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	if !plain(strings.ReplaceAll(string(text), `\`, "")) {
		t.Errorf("got %q, which holds what cannot be shown", text)
	}
	var again Allowance
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*a, again); diff != "" {
		t.Errorf("there and back (-want +got):\n%s", diff)
	}
}

// A story is as printable as the rest of an alert, and older readers of text
// see the alert that it began with.
func TestStoryText(t *testing.T) {
	a := newBuilder().Build(deviation(openOf("/etc/shadow")), webapp())
	a.Incident = "i1"
	a.Story = &Story{Timeline: []Act{{Rule: a.Rule, Message: a.Message, Count: 2}}, Untold: 3, Ended: true}
	var b bytes.Buffer
	if err := StoryText(false)(&b, &a); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"incident i1", "(2 times)", "and 3 more", "accept   bobctl allow", "ended"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
