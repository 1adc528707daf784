package story

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"bobwatch/internal/alert"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
	"bobwatch/internal/term"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func incident(id string, grade severity.Severity, last time.Duration) alert.Alert {
	a := alert.Alert{
		Schema: 1, ID: id, Incident: id, Fingerprint: "f" + id, Rule: rule.UnexpectedProcess, Severity: grade,
		Message: "unexpected process /bin/dash launched by apache2", Count: 3, First: noon, Last: noon.Add(last), Node: "node1",
		Story: &alert.Story{
			Entry: "through apache2, the container's own process", Processes: []string{"apache2 > sh"},
			Rules: []rule.ID{rule.UnexpectedProcess}, Updated: noon.Add(last),
			Timeline: []alert.Act{{Rule: rule.UnexpectedProcess, Severity: grade, Message: "unexpected process /bin/dash", Count: 3, First: noon}},
			Advice:   alert.Advice{Means: "It ran /bin/dash.", Normal: "Nothing.", Silence: "{a}, {b}", Contain: "kubectl delete pod"},
		},
	}
	a.Workload = alert.Workload{Namespace: "shop", Kind: "Deployment", Name: "web"}
	return a
}

// read takes what a source has now.
func read(t *testing.T, s Source) (all []alert.Alert) {
	t.Helper()
	err := s.Read(t.Context(), func(a alert.Alert) { all = append(all, a) }, func(where string, err error) { t.Errorf("%s: %v", where, err) })
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func lines(t *testing.T, all ...alert.Alert) string {
	t.Helper()
	var b strings.Builder
	for _, a := range all {
		line, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	return b.String()
}

// The worst is first, the newest form counts, and what goes on is before what
// is over.
func TestSet(t *testing.T) {
	over := incident("b", severity.High, time.Hour)
	over.Story.Ended = true
	newer := incident("a", severity.Medium, time.Minute)
	newer.Count = 7
	set := Set{Wanted: func(a *alert.Alert) bool { return a.ID != "unwanted" }}
	for _, a := range []alert.Alert{
		incident("c", severity.High, 0), over, incident("a", severity.Low, 0), newer, incident("a", severity.Low, 0), incident("unwanted", 0, 0),
	} {
		set.Add(a)
	}
	var ids []string
	for _, a := range set.Sorted() {
		ids = append(ids, a.ID)
	}
	if !slices.Equal(ids, []string{"c", "b", "a"}) {
		t.Errorf("sorted: got %q", ids)
	}
	if found := set.Find("a"); len(found) != 1 || found[0].Count != 7 {
		t.Errorf("found: %+v, want the newest form", found)
	}
	if set.Add(newer) != nil {
		t.Error("the same form is news again")
	}
}

// A text answers the four questions, and no name gets out of its line.
func TestTextOfHostileNames(t *testing.T) {
	a := incident("0123456789abcdef", severity.Critical, time.Minute)
	hostile := "\x1b[2J</script><b>\u202e\r\nok" + strings.Repeat("x", 30_000)
	a.Message, a.Story.Timeline[0].Message, a.Story.Processes[0] = hostile, hostile, hostile
	a.Workload.Name, a.Node, a.Story.Advice.Means = hostile, hostile, hostile
	got := read(t, &File{In: strings.NewReader(lines(t, a)), Path: "-"})
	if len(got) != 1 {
		t.Fatalf("got %d incidents", len(got))
	}
	text := Text(&term.Terminal{}, &got[0], noon)
	for _, want := range []string{"came in   through apache2", "goes on   yes, since", "accept    no document", "contain   kubectl delete pod", `\u001b[2J</script><b>\u202e\u000d\u000aok`} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%.2000s", want, text)
		}
	}
	for _, shown := range []string{text, Line(&term.Terminal{}, &got[0], noon)} {
		if at := strings.IndexFunc(shown, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); at >= 0 {
			t.Errorf("unprintable at %d: %.40q", at, shown[at:])
		}
	}
	if n := strings.Count(text, "\n"); n > 20 || len(text) > 200_000 {
		t.Errorf("text of %d lines, %d bytes", n, len(text))
	}
}

func TestFileRefuses(t *testing.T) {
	for name, text := range map[string]string{"no JSON": "{", "a long line": strings.Repeat("x", maxLine+1)} {
		err := (&File{In: strings.NewReader(text), Path: "-"}).Read(t.Context(), func(alert.Alert) { t.Error("taken") }, nil)
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	single := incident("a", 0, 0)
	single.Story = nil
	if got := read(t, &File{In: strings.NewReader(lines(t, single)), Path: "-"}); len(got) != 0 {
		t.Errorf("an alert without a story: got %+v", got)
	}
}

// An agent is asked for what is new alone.
func TestAgent(t *testing.T) {
	var asked []string
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+" "+r.URL.Query().Get(alert.IncidentsSince))
		if len(asked) == 1 {
			w.Write([]byte(lines(t, incident("a", 0, time.Minute), incident("b", 0, 0))))
		}
		if len(asked) == 3 {
			http.Error(w, "no\x1b[0m", http.StatusTeapot)
		}
	})}
	path := filepath.Join(t.TempDir(), "s")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() { server.Close(); <-served }()
	source := &Agent{Address: "unix:" + path}
	if got := read(t, source); len(got) != 2 {
		t.Errorf("first: got %d incidents", len(got))
	}
	if got := read(t, source); len(got) != 0 {
		t.Errorf("then: got %d incidents", len(got))
	}
	err = source.Read(context.Background(), func(alert.Alert) {}, nil)
	if err == nil || !strings.Contains(err.Error(), "418") {
		t.Errorf("a refusal: got %v", err)
	}
	want := []string{"/incidents ", "/incidents 2026-11-30T12:01:00Z", "/incidents 2026-11-30T12:01:00Z"}
	if !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
}

// Whatever a file holds, nothing that a terminal obeys comes out.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"id":"a","story":{"timeline":[{"rule":"R0001","message":"\u001b[2J"}]}}`))
	f.Add([]byte(`{"id":"a\n","story":{"processes":["\u202e"],"rules":["R1"]},"allow":{"container":{"execs":[{"path":"/x"}]}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		_ = decode(strings.NewReader(string(text)), func(a alert.Alert) {
			shown := Text(&term.Terminal{}, &a, noon) + Line(&term.Terminal{}, &a, noon)
			if strings.ContainsFunc(shown, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
				t.Errorf("unprintable: %q", shown)
			}
		})
	})
}
