package incident

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/alert"
	"bobwatch/internal/profile"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

var update = flag.Bool("update", false, "write the golden files")

var start = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// act is an alert of a process with ancestors, each "PID comm", the process
// first.
func act(id rule.ID, grade severity.Severity, message string, chain ...string) alert.Alert {
	a := alert.Alert{
		ID: message, Fingerprint: string(id) + message, Rule: id, RuleName: id.Name(), Severity: grade, Message: message,
		Count: 1, First: start, Last: start, Node: "node1", Origin: alert.Origin{Kind: alert.OriginEntrypoint},
		Subject: alert.Subject{
			Workload:  alert.Workload{Namespace: "shop", Kind: "Deployment", Name: "web"},
			Pod:       alert.Pod{Name: "web-1"},
			Container: alert.Container{ID: "c1", Name: "web"},
		},
	}
	for i, text := range chain {
		var p alert.Process
		fmt.Sscan(text, &p.PID, &p.Comm)
		a.Lineage = append(a.Lineage, alert.ProcessKey{PID: p.PID, Start: uint64(p.PID)})
		if i == 0 {
			a.Process = p
		} else {
			a.Ancestors = append(a.Ancestors, p)
		}
	}
	return a
}

func executed(path string, grade severity.Severity, chain ...string) alert.Alert {
	a := act(rule.UnexpectedProcess, grade, "unexpected process "+path+" launched", chain...)
	a.Deviation.Exec = &alert.Exec{Path: path}
	a.Allow = &alert.Allowance{
		Workload:  profile.Workload{Namespace: "shop", Kind: "Deployment", Name: "web"},
		Container: profile.Container{Name: "web", Execs: []profile.Exec{{Path: path, Args: []string{"x"}}}},
	}
	return a
}

// shell is what sh -c 'id; cat /etc/shadow' of a web server comes to.
func shell() []alert.Alert {
	const sh, id, cat = "10 sh", "11 id", "12 cat"
	const web = "1 apache2"
	alerts := []alert.Alert{executed("/bin/dash", severity.Medium, sh, web)}
	for _, call := range []string{"brk", "set_robust_list", "rseq", "getrandom"} {
		alerts = append(alerts, act(rule.UnexpectedSyscall, severity.Low, "unexpected system call "+call+" by sh", sh, web))
	}
	alerts = append(alerts, executed("/usr/bin/id", severity.Medium, id, sh, web))
	for _, call := range []string{"statfs", "getgroups", "socket", "connect"} {
		alerts = append(alerts, act(rule.UnexpectedSyscall, severity.Medium, "unexpected system call "+call+" by id", id, sh, web))
	}
	shadow := act(rule.UnexpectedFileAccess, severity.Critical, "unexpected read of /etc/shadow by cat", cat, sh, web)
	shadow.Deviation.Open = &alert.Open{Path: "/etc/shadow"}
	return append(alerts, executed("/bin/cat", severity.Medium, cat, sh, web), shadow)
}

// One attack is one incident, and its story holds every act.
func TestOneAttackIsOneIncident(t *testing.T) {
	tracker := New(DefaultOptions())
	var sent []*alert.Alert
	acts := shell()
	for i := range acts {
		if out := tracker.Add(&acts[i], start); out != nil {
			sent = append(sent, out)
		}
		if acts[i].Incident != acts[0].Incident {
			t.Errorf("%s: incident %s, want %s", acts[i].Message, acts[i].Incident, acts[0].Incident)
		}
	}
	if len(sent) != 1 || sent[0].Severity != severity.Critical {
		t.Fatalf("sent at once: got %d, want one, when it became critical", len(sent))
	}
	sent = append(sent, tracker.Due(start.Add(time.Second), false)...)
	sent = append(sent, tracker.Due(start.Add(2*time.Minute), false)...)
	if len(sent) != 1 {
		t.Errorf("sent: got %d, want one for %d acts", len(sent), len(acts))
	}
	last := sent[len(sent)-1]
	if len(last.Story.Timeline) != len(acts) || last.Count != uint64(len(acts)) {
		t.Errorf("story: got %d lines, %d acts, want %d", len(last.Story.Timeline), last.Count, len(acts))
	}
	golden(t, "shell.golden", last)
}

func golden(t *testing.T, name string, a *alert.Alert) {
	t.Helper()
	defer func(local *time.Location) { time.Local = local }(time.Local)
	time.Local = time.UTC
	var got bytes.Buffer
	if err := alert.StoryText(false)(&got, a); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// What belongs to no unexpected process is an incident by what deviated.
func TestAllowedProgram(t *testing.T) {
	tracker := New(DefaultOptions())
	first := act(rule.UnexpectedFileAccess, severity.Low, "read of /a", "1 web")
	again := act(rule.UnexpectedFileAccess, severity.Low, "read of /a", "2 web")
	other := act(rule.UnexpectedFileAccess, severity.Low, "read of /b", "1 web")
	other.Last = start.Add(time.Minute)
	for _, a := range []*alert.Alert{&first, &again, &other} {
		tracker.Add(a, start)
	}
	if first.Incident != again.Incident || first.Incident == other.Incident {
		t.Errorf("incidents: got %s, %s, %s, want the first two the same", first.Incident, again.Incident, other.Incident)
	}
	elsewhere := act(rule.UnexpectedSyscall, severity.Low, "call", "10 x")
	elsewhere.Container.ID = "c2"
	began := executed("/bin/x", severity.Low, "10 x")
	tracker.Add(&began, start)
	if tracker.Add(&elsewhere, start); elsewhere.Incident == began.Incident {
		t.Error("a process of another container with the same name is part of the incident")
	}
}

// Acts of the workload's own processes are one incident while they come one
// after the other, and those of what was started for a purpose: a shell that
// runs several programs, each of which does a part.
func TestOwnProcesses(t *testing.T) {
	tracker := New(DefaultOptions())
	add := func(after time.Duration, message string, chain ...string) string {
		a := act(rule.UnexpectedSyscall, severity.Low, message, chain...)
		a.Last = start.Add(after)
		a.Process.Start = a.Last.Add(-time.Second)
		for i := range a.Ancestors {
			if a.Ancestors[i].PID >= 20 { // else old
				a.Ancestors[i].Start = a.Process.Start
			}
		}
		tracker.Add(&a, a.Last)
		return a.Incident
	}
	first := add(0, "chdir", "21 mv", "20 sh", "5 web", "1 init")
	for _, tt := range []struct {
		name    string
		after   time.Duration
		message string
		chain   []string
		same    bool
	}{
		{"the same process", time.Second, "a", []string{"21 mv", "20 sh", "5 web", "1 init"}, true},
		{"a sibling", 2 * time.Second, "b", []string{"22 cat", "20 sh", "5 web", "1 init"}, true},
		{"their parent", 3 * time.Second, "c", []string{"20 sh", "5 web", "1 init"}, true},
		{"another child of the old", 4 * time.Second, "d", []string{"30 sh", "5 web", "1 init"}, false},
		{"the old process", 4 * time.Second, "e", []string{"5 web", "1 init"}, false},
		{"the same, much later", time.Minute, "f", []string{"21 mv", "20 sh", "5 web", "1 init"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := add(tt.after, tt.message, tt.chain...); (got == first) != tt.same {
				t.Errorf("incident %s, want that of the first, %s: %t", got, first, tt.same)
			}
		})
	}
}

// A packet arrives while any process runs: what it tells belongs to the incident
// of the process that speaks with this peer, or waits there.
func TestPeers(t *testing.T) {
	tracker := New(DefaultOptions())
	add := func(c alert.Contact, chain ...string) string {
		a := act(rule.UnexpectedEgress, severity.Low, fmt.Sprint(c, chain), chain...)
		a.Deviation.Contact = &c
		tracker.Add(&a, start)
		return a.Incident
	}
	out := alert.Contact{Direction: "egress", Protocol: "TCP", Address: "10.0.0.1", Port: 9}
	refused, other := out, out
	refused.Refused, other.Port = "ECONNREFUSED", 10
	in := alert.Contact{Direction: "ingress", Protocol: "TCP", Address: "10.0.0.7", Port: 4444}
	connects := add(out, "10 sh", "1 web")
	if got := add(refused); got != connects {
		t.Errorf("the refusal: incident %s, want that of the connection, %s", got, connects)
	}
	if got := add(other); got == connects {
		t.Error("another port is part of the incident")
	}
	listens := add(alert.Contact{Direction: "listen", Protocol: "TCP", Address: "0.0.0.0", Port: 4444}, "20 nc", "1 web")
	if got := add(in); got != listens {
		t.Errorf("a peer that comes in: incident %s, want that of the listener, %s", got, listens)
	}
	tracker.Due(start.Add(time.Hour), false)
	if len(tracker.peers)+len(tracker.links)+tracker.Len() != 0 {
		t.Errorf("kept after the end: %d peers, %d processes", len(tracker.peers), len(tracker.links))
	}
}

// A hostile container makes a hundred thousand alerts: bounded, all counted,
// and a critical act, there and elsewhere, is sent at once.
func TestFloodHidesNothing(t *testing.T) {
	tracker := New(DefaultOptions())
	const n = 100_000
	ids := map[string]bool{}
	for i := range n {
		a := act(rule.UnexpectedFileAccess, severity.Severity(i%3), fmt.Sprintf("read of /%d", i), fmt.Sprintf("%d web", i%5000+1))
		if i%2 == 0 {
			a = executed(fmt.Sprintf("/tmp/%d", i), severity.Severity(i%3), fmt.Sprintf("%d x", i%5000+1))
		}
		if out := tracker.Add(&a, start); out != nil && i < n/2 && out.Severity == severity.Critical {
			t.Fatalf("sent as critical: %s", out.Message)
		}
		ids[a.Incident] = true
	}
	if tracker.Len() > 60 || len(ids) > 60 {
		t.Errorf("incidents: got %d, want a handful for each severity", tracker.Len())
	}
	if len(tracker.members) > maxMembersInAll {
		t.Errorf("processes: got %d, want at most %d", len(tracker.members), maxMembersInAll)
	}
	var counted uint64
	for _, i := range tracker.byKey {
		var lines uint64
		for _, l := range i.Lines {
			lines += l.Count
		}
		if lines+i.Untold != i.Acts || len(i.Lines) > maxTimeline {
			t.Errorf("incident of %d acts: %d in %d lines and %d untold", i.Acts, lines, len(i.Lines), i.Untold)
		}
		counted += i.Acts
	}
	if counted != n {
		t.Errorf("counted: got %d acts, want %d", counted, n)
	}
	same := act(rule.UnexpectedFileAccess, severity.Critical, "read of /etc/shadow", "1 x")
	elsewhere := act(rule.UnexpectedFileAccess, severity.Critical, "read of /etc/shadow", "1 db")
	elsewhere.Workload.Name, elsewhere.Container.ID = "db", "c9"
	for name, a := range map[string]*alert.Alert{"the same container": &same, "another": &elsewhere} {
		out := tracker.Add(a, start)
		if out == nil || out.Severity != severity.Critical || out.Story.Timeline[0].Message != a.Message {
			t.Errorf("a critical act in %s: got %+v, want it sent at once and first in the story", name, out)
		}
	}
}

// A hundred thousand acts with names of 3,000 bytes take the memory of a few
// incidents.
func TestFloodTakesBoundedMemory(t *testing.T) {
	heap := func() int64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}
	tracker, before := New(DefaultOptions()), heap()
	for i := range 100_000 {
		name := fmt.Sprintf("/tmp/%d%s", i, strings.Repeat("x", 3000))
		a := executed(name, severity.Severity(i%4), fmt.Sprintf("%d x", i%5000+1))
		if i%2 == 0 {
			a = act(rule.UnexpectedFileAccess, severity.Severity(i%4), "read of "+name, fmt.Sprintf("%d web", i%5000+1))
		}
		tracker.Add(&a, start)
	}
	used := heap() - before
	if t.Logf("%d incidents in %d KiB", tracker.Len(), used>>10); used > 32<<20 || tracker.Len() > 70 {
		t.Errorf("%d incidents take %d KiB", tracker.Len(), used>>10)
	}
	runtime.KeepAlive(tracker)
}

// Sixteen harmless beginnings do not take the place of a grave one.
func TestDecoys(t *testing.T) {
	tracker := New(DefaultOptions())
	for i := range 200 {
		a := act(rule.UnexpectedFileAccess, severity.High, fmt.Sprint("decoy ", i), fmt.Sprintf("%d web", i+2))
		tracker.Add(&a, start)
	}
	tracker.Due(start.Add(time.Second), false)
	a := act(rule.KernelModuleLoad, severity.Critical, "module", "1 web")
	if out := tracker.Add(&a, start.Add(2*time.Second)); out == nil || out.Rule != rule.KernelModuleLoad {
		t.Errorf("after decoys: got %+v, want an incident of its own", out)
	}
}

func TestLife(t *testing.T) {
	o := DefaultOptions()
	tracker := New(o)
	a := executed("/bin/x", severity.Low, "10 x", "1 web")
	if out := tracker.Add(&a, start); out != nil {
		t.Errorf("a low act: sent at once: %+v", out)
	}
	if out := tracker.Due(start.Add(o.Settle), false); len(out) != 1 || out[0].Story.Ended {
		t.Fatalf("after it settled: got %d", len(out))
	}
	worse := act(rule.UnexpectedSyscall, severity.High, "mount", "10 x", "1 web")
	worse.Last = start.Add(time.Minute)
	if out := tracker.Add(&worse, worse.Last); out == nil || out.Severity != severity.High || out.Rule != rule.UnexpectedProcess {
		t.Errorf("a worse act: got %+v, want the incident at once, by the rule that it began with", out)
	}
	mild := act(rule.UnexpectedSyscall, severity.Low, "brk", "10 x", "1 web")
	mild.Last = start.Add(2 * time.Minute)
	if out := tracker.Add(&mild, mild.Last); out != nil {
		t.Error("a mild act: sent at once")
	}
	if out := tracker.Due(mild.Last.Add(o.Pause), false); len(out) != 1 || out[0].Count != 3 {
		t.Errorf("the update: got %+v", out)
	}
	out := tracker.Due(mild.Last.Add(o.Quiet), false)
	if len(out) != 1 || !out[0].Story.Ended || out[0].ID != a.Incident || tracker.Len() != 0 || len(tracker.members)+len(tracker.grades) != 0 {
		t.Errorf("after it was quiet: got %+v, %d kept", out, tracker.Len())
	}
}

// An incident goes on after the agent was restarted: its processes are known,
// and what was sent is not sent again.
func TestRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "incidents.db")
	before := resume(t, path)
	began := executed("/bin/x", severity.Critical, "10 x", "1 web")
	if before.Add(&began, start) == nil {
		t.Fatal("a critical act is not sent at once")
	}
	before.Due(start.Add(time.Second), true)
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	after := resume(t, path)
	defer after.Close()
	if out := after.Due(start.Add(2*time.Second), false); len(out) != 0 {
		t.Errorf("sent again: %+v", out)
	}
	child := act(rule.UnexpectedSyscall, severity.Low, "brk", "11 y", "10 x", "1 web")
	if after.Add(&child, start.Add(3*time.Second)); child.Incident != began.Incident {
		t.Errorf("incident of a child: got %s, want %s", child.Incident, began.Incident)
	}
}

func resume(t *testing.T, path string) *Tracker {
	t.Helper()
	h, err := OpenHistory(path, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	tracker, err := Resume(h, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	return tracker
}

func TestUnsent(t *testing.T) {
	tracker := New(DefaultOptions())
	a := executed("/usr/bin/id", severity.High, "7 sh", "1 web")
	tracker.Add(&a, start)
	if tracker.Unsent(start.Add(-time.Second)) || !tracker.Unsent(start) {
		t.Error("an incident is unsent from its first act on")
	}
	if got := tracker.Due(start.Add(time.Second), false); len(got) != 1 || tracker.Unsent(start.Add(time.Hour)) {
		t.Errorf("%d incidents sent, want 1, and none unsent", len(got))
	}
}
