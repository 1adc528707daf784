package alert

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/detector"
	"bobwatch/internal/event"
	"bobwatch/internal/process"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func newBuilder() *Builder {
	return &Builder{Node: "node-1", Arch: "amd64", Processes: process.New(process.DefaultOptions())}
}

func webapp() *Subject {
	return &Subject{
		Workload:  Workload{Namespace: "shop", Kind: "Deployment", Name: "webapp"},
		Pod:       Pod{Name: "webapp-67965968bb-5bmtf", UID: "0b0c"},
		Container: Container{ID: "40ec5b5b", Name: "web", Image: "registry.example/web:1", Digest: "sha256:c622"},
		Profile:   Profile{Completeness: profile.Complete},
	}
}

func proc(pid uint32, start uint64, comm string) event.Process {
	p := event.Process{PID: pid, UID: 33, Start: start * uint64(time.Second)}
	copy(p.Comm[:], comm)
	return p
}

// injected is cat, run by a shell that a web server started.
func injected(kind event.Kind) *event.Event {
	e := &event.Event{
		Kind: kind, Origin: event.OriginEntrypoint, Time: 400 * uint64(time.Second),
		Process: proc(4711, 310, "cat"), Dev: 8<<20 | 1, Ino: 99,
	}
	e.NAncestors = copy(e.Ancestors[:], []event.Process{proc(4710, 300, "sh"), proc(1000, 100, "apache2")})
	return e
}

// known lets b know what the processes of injected execute.
func known(b *Builder) {
	for i, command := range []struct{ path, args string }{
		{"/usr/sbin/apache2", "apache2\x00-DFOREGROUND"},
		{"/bin/dash", "sh\x00-c\x00ping 1.1.1.1; cat /etc/shadow"},
		{"/bin/cat", "cat\x00/etc/shadow"},
	} {
		e := injected(event.KindExec)
		e.Process = []event.Process{e.Ancestors[1], e.Ancestors[0], e.Process}[i]
		e.NAncestors, e.Time = 0, e.Process.Start
		e.Path, e.Args = []byte(command.path), []byte(command.args)
		b.Processes.Add(e)
	}
}

func openOf(path string) *event.Event {
	e := injected(event.KindOpen)
	e.Path, e.Access = []byte(path), event.AccessRead
	return e
}

func execOf(path, args string) *event.Event {
	e := injected(event.KindExec)
	e.Path, e.Args = []byte(path), []byte(args)
	return e
}

func syscallOf(abi event.ABI, nr uint32) *event.Event {
	e := injected(event.KindSyscall)
	e.ABI, e.Nr = abi, nr
	return e
}

// deviation is what a detector with an empty profile would say.
func deviation(e *event.Event) detector.Deviation {
	rule := map[event.Kind]rule.ID{
		event.KindSyscall: rule.UnexpectedSyscall,
		event.KindExec:    rule.UnexpectedProcess,
		event.KindOpen:    rule.UnexpectedFileAccess,
		event.KindMoved:   rule.LeftContainer,
	}[e.Kind]
	return detector.Deviation{Rule: rule, Severity: severity.High, Verdict: match.PathUnknown, Event: e}
}

// fixed replaces the times, which come from the machine's clock.
func fixed(a Alert) Alert {
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	a.First, a.Last, a.Process.Start = at, at.Add(time.Minute), at
	for i := range a.Ancestors {
		a.Ancestors[i].Start = at
	}
	return a
}

// The JSON is API: a change of these files is a change for users.
func TestGoldens(t *testing.T) {
	refused := openOf("/etc/shadow")
	refused.Flags, refused.Errno = event.FlagRefused|event.FlagCallerPath, 13
	memfd := execOf("memfd:x", "x\x00--daemon")
	memfd.Flags, memfd.Origin = event.FlagMemfd|event.FlagTTY, event.OriginOutside
	memfd.NAncestors = 0
	moved := injected(event.KindMoved)
	moved.Path = []byte("/system.slice")
	hostile := execOf("/tmp/a\nb\x1b[31m\xff", "a\u202eb\x00\"'\\")
	tests := map[string]*event.Event{
		"open":    openOf("/etc/shadow"),
		"refused": refused,
		"exec":    execOf("/bin/cat", "cat\x00/etc/shadow"),
		"memfd":   memfd,
		"syscall": syscallOf(event.ABINative, 101),
		"compat":  syscallOf(event.ABICompat, 20),
		"moved":   moved,
		"hostile": hostile,
	}
	defer func(local *time.Location) { time.Local = local }(time.Local)
	time.Local = time.UTC // text shows local time
	for name, e := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBuilder()
			known(b)
			b.Processes.Add(e)
			a := fixed(b.Build(deviation(e), webapp()))
			var got bytes.Buffer
			encoder := json.NewEncoder(&got)
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			if err := encoder.Encode(a); err != nil {
				t.Fatal(err)
			}
			appendText(&got, &a, false)
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("alert (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJSONIsReadBack(t *testing.T) {
	b := newBuilder()
	known(b)
	want := b.Build(deviation(openOf("/etc/shadow")), webapp())
	want.Lineage = nil // is for the agent itself
	raw, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Alert
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alert (-want +got):\n%s", diff)
	}
}

func TestFingerprint(t *testing.T) {
	replica, upgraded, other := webapp(), webapp(), webapp()
	replica.Pod, replica.Container.ID = Pod{Name: "webapp-67965968bb-abcde"}, "ffff"
	upgraded.Container.Digest = "sha256:1111"
	other.Container.Name = "sidecar"

	elsewhere := openOf("/etc/shadow")
	elsewhere.Process.PID, elsewhere.Process.Start, elsewhere.Time = 9999, 500*uint64(time.Second), 600*uint64(time.Second)
	elsewhere.Repeats = 7
	written := openOf("/etc/shadow")
	written.Access = event.AccessWrite
	outside := execOf("/bin/cat", "")
	outside.NAncestors = 0

	type act struct {
		event   *event.Event
		subject *Subject
	}
	tests := map[string]struct {
		a, b act
		same bool
	}{
		"replica":         {act{openOf("/etc/shadow"), webapp()}, act{openOf("/etc/shadow"), replica}, true},
		"other release":   {act{openOf("/etc/shadow"), webapp()}, act{openOf("/etc/shadow"), upgraded}, true},
		"other pid":       {act{openOf("/proc/4711/status"), webapp()}, act{openOf("/proc/17/status"), webapp()}, true},
		"other process":   {act{openOf("/etc/shadow"), webapp()}, act{elsewhere, webapp()}, true},
		"other path":      {act{openOf("/etc/shadow"), webapp()}, act{openOf("/etc/passwd"), webapp()}, false},
		"other access":    {act{openOf("/etc/shadow"), webapp()}, act{written, webapp()}, false},
		"other container": {act{openOf("/etc/shadow"), webapp()}, act{openOf("/etc/shadow"), other}, false},
		"other launcher":  {act{execOf("/bin/cat", ""), webapp()}, act{outside, webapp()}, false},
		"other arguments of an unknown program": {
			act{execOf("/bin/cat", "cat\x00a"), webapp()}, act{execOf("/bin/cat", "cat\x00b"), webapp()}, true,
		},
		"compat": {act{syscallOf(event.ABINative, 20), webapp()}, act{syscallOf(event.ABICompat, 20), webapp()}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			of := func(x act) string {
				b := newBuilder()
				known(b)
				if x.event == elsewhere { // it executed the same program
					e := *elsewhere
					e.Kind, e.Path = event.KindExec, []byte("/bin/cat")
					b.Processes.Add(&e)
				}
				return b.Build(deviation(x.event), x.subject).Fingerprint
			}
			if got := of(tt.a) == of(tt.b); got != tt.same {
				t.Errorf("same fingerprint: got %t, want %t", got, tt.same)
			}
		})
	}
}

func TestUnknownArgumentsHaveTheirOwnFingerprint(t *testing.T) {
	of := func(args string) string {
		b, e := newBuilder(), execOf("/bin/cat", args)
		b.Processes.Add(e)
		d := deviation(e)
		d.Rule = rule.UnexpectedArguments
		return b.Build(d, webapp()).Fingerprint
	}
	if of("cat\x00/etc/shadow") == of("cat\x00/etc/passwd") {
		t.Error("fingerprints of different arguments: got equal ones")
	}
}

// The worst is a backslash: one byte that Printable and JSON double each.
func TestAlertSizeIsBounded(t *testing.T) {
	for _, filler := range []string{"\\", "\"", "\n", "\x01\x00", "x\x00"} {
		e := execOf("/"+strings.Repeat(filler, 1<<19), strings.Repeat(filler, 1<<19))
		b := newBuilder()
		e.NAncestors = event.MaxAncestors
		for i := range e.Ancestors {
			e.Ancestors[i] = proc(uint32(2+i), 1, strings.Repeat(filler, 8))
			parent := *e
			parent.Process, parent.NAncestors = e.Ancestors[i], 0
			b.Processes.Add(&parent)
		}
		b.Processes.Add(e)
		var out bytes.Buffer
		a := b.Build(deviation(e), webapp())
		if err := JSON(&out, &a); err != nil {
			t.Fatal(err)
		}
		if out.Len() > 64<<10 {
			t.Errorf("JSON of %q: got %d bytes, want at most 64 KiB", filler, out.Len())
		}
		args := a.Deviation.Exec.Args
		if !strings.HasSuffix(args[len(args)-1], cutMark) || !strings.HasSuffix(a.Deviation.Exec.Path, cutMark) {
			t.Errorf("path or arguments of %q: got no mark of a cut", filler)
		}
	}
}
