package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"bobwatch/internal/profile"
)

// element is any XML element.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []element  `xml:",any"`
	Text     string     `xml:",chardata"`
}

// schema is what Jenkins' and GitLab's readers know: the attributes that an
// element must have and may have, and what may be in it.
// https://github.com/windyroad/JUnit-Schema, jenkins-junit.xsd
var schema = map[string]struct{ must, may, children string }{
	"testsuites": {must: "name tests failures errors time", children: "testsuite"},
	"testsuite":  {must: "name tests failures errors skipped time timestamp", children: "testcase system-out"},
	"testcase":   {must: "classname name time", children: "failure error"},
	"failure":    {must: "message type"},
	"error":      {must: "message type"},
	"system-out": {},
}

func (e *element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (e *element) check(t *testing.T) {
	t.Helper()
	name := e.XMLName.Local
	rule, ok := schema[name]
	if !ok {
		t.Errorf("element <%s> is unknown", name)
	}
	for want := range strings.FieldsSeq(rule.must) {
		if e.attr(want) == "" {
			t.Errorf("<%s> has no %s", name, want)
		}
	}
	for _, a := range e.Attrs {
		if !strings.Contains(" "+rule.must+" ", " "+a.Name.Local+" ") {
			t.Errorf("<%s> has %s, which is unknown", name, a.Name.Local)
		}
	}
	for i := range e.Children {
		if child := e.Children[i].XMLName.Local; !strings.Contains(" "+rule.children+" ", " "+child+" ") {
			t.Errorf("<%s> in <%s>", child, name)
		}
		e.Children[i].check(t)
	}
}

func junit(t *testing.T, r *Report) element {
	t.Helper()
	var b bytes.Buffer
	if err := r.JUnit(&b); err != nil {
		t.Fatal(err)
	}
	var root element
	if err := xml.Unmarshal(b.Bytes(), &root); err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	root.check(t)
	return root
}

func TestJUnit(t *testing.T) {
	passed := sample(t)
	passed.Incidents = nil
	passed.Observed = passed.Document
	nothing := sample(t)
	nothing.Observed = &profile.Profile{}
	nothing.Incidents = nil
	nobody := nothing
	nobody.Document = &profile.Profile{}
	tests := map[string]struct {
		trial                   Trial
		tests, failures, errors string
	}{
		"deviated":     {sample(t), "10", "9", "0"},
		"passed":       {passed, "4", "0", "0"},
		"inconclusive": {nothing, "1", "0", "1"},
		"no container": {nobody, "1", "0", "1"},
		"hostile":      {hostileTrial(t), "13", "12", "0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			root := junit(t, mustNew(t, tt.trial))
			for attr, want := range map[string]string{"tests": tt.tests, "failures": tt.failures, "errors": tt.errors} {
				if got := root.attr(attr); got != want {
					t.Errorf("%s: got %s, want %s", attr, got, want)
				}
				if got := root.Children[0].attr(attr); got != want {
					t.Errorf("%s of the suite: got %s, want %s", attr, got, want)
				}
			}
		})
	}
}

// FuzzReport holds whatever was seen to a document: no form of the report may
// fail, be invalid or hold what steers a terminal or turns text.
func FuzzReport(f *testing.F) {
	f.Add("/usr/bin/id", "id", "ptrace", "web")
	f.Add("/"+hostile, hostile, hostile, hostile)
	f.Add("/proc/⋯/*", "⋯⋯", "", "")
	f.Fuzz(func(t *testing.T, path, arg, call, name string) {
		for _, text := range []string{path, arg, call, name} {
			if !utf8.ValidString(text) || len(text) > 1000 {
				t.Skip() // no document has it
			}
		}
		container := profile.Container{
			Name:     name,
			Syscalls: map[string][]string{"amd64": {call}},
			Execs:    []profile.Exec{{Path: path, Args: []string{arg}}},
			Opens:    []profile.Open{{Path: path, Flags: []string{"O_RDONLY"}}},
		}
		guarded := profile.Container{Name: name, Opens: []profile.Open{{Path: "/a"}}}
		r, err := New(Trial{
			Document: document(guarded), Observed: document(container),
			Start: start, End: start.Add(time.Second),
		})
		if err != nil {
			t.Fatal(err)
		}
		var page, results bytes.Buffer
		if err := r.HTML(&page); err != nil {
			t.Fatal(err)
		}
		if err := r.JUnit(&results); err != nil {
			t.Fatal(err)
		}
		if err := xml.Unmarshal(results.Bytes(), new(element)); err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Fatal(err)
		}
		checkPrintable(t, page.String()+results.String())
	})
}
