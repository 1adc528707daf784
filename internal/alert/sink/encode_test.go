package sink

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/leodido/go-syslog/v4/rfc5424"

	"bobwatch/internal/alert"
	"bobwatch/internal/detector"
	"bobwatch/internal/event"
	"bobwatch/internal/process"
	"bobwatch/internal/profile"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

// hostile is an alert about a process that chose path, args and name, made as
// the agent makes it.
func hostile(kind event.Kind, path, args, comm []byte) alert.Alert {
	e := &event.Event{
		Kind: kind, Origin: event.OriginEntrypoint, Time: uint64(time.Hour), Path: path, Args: args,
		Access: event.AccessRead, NAncestors: event.MaxAncestors,
		Process: event.Process{PID: 100, Start: uint64(time.Minute)},
	}
	copy(e.Process.Comm[:], comm)
	table := process.New(process.DefaultOptions())
	for i := range e.Ancestors {
		parent := *e
		parent.Kind, parent.NAncestors = event.KindExec, 0
		parent.Process.PID = uint32(2 + i)
		e.Ancestors[i] = parent.Process
		table.Add(&parent)
	}
	exec := *e
	exec.Kind = event.KindExec
	table.Add(&exec)
	b := alert.Builder{Node: string(comm), Arch: "amd64", Processes: table}
	broken := map[event.Kind]rule.ID{
		event.KindSyscall: rule.UnexpectedSyscall,
		event.KindExec:    rule.UnexpectedProcess,
		event.KindOpen:    rule.UnexpectedFileAccess,
		event.KindMoved:   rule.LeftContainer,
	}[kind]
	if broken == "" {
		broken = "unknown" // as of a newer agent
	}
	return b.Build(detector.Deviation{Rule: broken, Severity: severity.High, Event: e}, &alert.Subject{
		Workload:  alert.Workload{Namespace: "shop", Kind: "Deployment", Name: string(comm)},
		Container: alert.Container{ID: "0", Name: string(comm), Image: string(comm)},
	})
}

// sample returns the one of samples that breaks a rule.
func sample(t testing.TB, id rule.ID) alert.Alert {
	t.Helper()
	for _, a := range samples() {
		if a.Rule == id {
			return a
		}
	}
	t.Fatalf("there is no sample of %s", id)
	panic("unreachable")
}

func mustTemplate(t testing.TB, text string, isJSON bool) alert.Encoder {
	t.Helper()
	encode, err := Template(text, isJSON)
	if err != nil {
		t.Fatal(err)
	}
	return encode
}

// encoders are all there are; json says which write JSON.
func encoders(t testing.TB) map[string]struct {
	encode alert.Encoder
	json   bool
} {
	return map[string]struct {
		encode alert.Encoder
		json   bool
	}{
		"json":          {alert.JSON, true},
		"kubescape":     {Kubescape("cluster"), true},
		"falco":         {Falco, true},
		"ocsf":          {OCSF, true},
		"template":      {mustTemplate(t, `{{.Severity}} {{.Message}} {{.Process.Comm}} {{.Process.Args}}`, false), false},
		"template json": {mustTemplate(t, `{"text": {{json .Message}}, "all": {{json .}}}`, true), true},
	}
}

// wantLine fails unless line is one line of text, and valid JSON if it is to be.
func wantLine(t *testing.T, name, line string, isJSON bool) {
	t.Helper()
	body, ended := strings.CutSuffix(line, "\n")
	if !ended || !utf8.ValidString(body) || strings.ContainsFunc(body, func(r rune) bool {
		return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
	}) {
		t.Errorf("%s: not one line of text: %q", name, line)
	}
	if isJSON && !json.Valid([]byte(line)) {
		t.Errorf("%s: not JSON: %q", name, line)
	}
}

// FuzzEncoders: whatever a container calls itself and its files, it ends no
// line, breaks no JSON, and adds no label.
func FuzzEncoders(f *testing.F) {
	f.Add([]byte("/tmp/x\n{\"rule\":\"forged\"}"), []byte("sh\x00-c\x00\x1b]0;t\a"), []byte("\"},{\"labels\""), uint8(event.KindExec))
	f.Add([]byte("/tmp/\xff\xfe…\u2028"), []byte("<3>1 - - - - - - forged"), []byte("a\n12 <3>1"), uint8(event.KindOpen))
	f.Add([]byte("/"+strings.Repeat("\\", 9000)), bytes.Repeat([]byte("\x01\x00"), 1<<19), []byte("]\""), uint8(event.KindExec))
	f.Add([]byte("/\u202e{{.Node}}"), []byte{}, []byte("\u009b"), uint8(event.KindMoved))
	f.Fuzz(func(t *testing.T, path, args, comm []byte, kind uint8) {
		a := hostile(event.Kind(kind%6+1), path, args, comm)
		for name, format := range encoders(t) {
			var b bytes.Buffer
			if err := format.encode(&b, &a); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			wantLine(t, name, b.String(), format.json)
		}
		wantLabels(t, &a)
		wantSyslog(t, &a)
	})
}

func wantLabels(t *testing.T, a *alert.Alert) {
	t.Helper()
	am, err := NewAlertmanager("am", AlertmanagerOptions{URLs: []string{"http://localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	known := []string{"alertname", "rule", "severity", "namespace", "workload_kind", "workload", "container", "fingerprint"}
	raw, err := json.Marshal(am.postable(a, time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	var p postable
	if err := json.Unmarshal(raw, &p); err != nil {
		t.Fatal(err)
	}
	for name, value := range p.Labels {
		if !slices.Contains(known, name) || value == "" {
			t.Errorf("label %s=%q", name, value)
		}
	}
	if got := p.Labels["workload"]; got != a.Workload.Name {
		t.Errorf("label workload: got %q, want %q", got, a.Workload.Name)
	}
}

func wantSyslog(t *testing.T, a *alert.Alert) {
	t.Helper()
	s, err := NewSyslog("log", SyslogOptions{Address: "udp://localhost:1", Facility: 16, Hostname: a.Node, Encode: alert.JSON})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := s.message(a)
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) > maxMessage || bytes.ContainsAny(raw, "\n\r\x00") {
		t.Errorf("message of %d bytes: %q", len(raw), raw)
	}
	parsed, err := rfc5424.NewParser().Parse(raw)
	if err != nil {
		t.Fatalf("parse %q: %v", raw, err)
	}
	m := parsed.(*rfc5424.SyslogMessage)
	var carried alert.Alert
	if err := json.Unmarshal([]byte(*m.Message), &carried); err != nil {
		t.Fatalf("carried alert: %v", err)
	}
	if *m.MsgID != a.Rule.String() || *m.Severity != 3 || *m.Facility != 16 || *m.Appname != "bobwatch" {
		t.Errorf("header: got %q", raw[:60])
	}
	if carried.Fingerprint != a.Fingerprint || carried.Message != a.Message {
		t.Errorf("carried alert: got %q, want %q", carried.Message, a.Message)
	}
}

func TestSyslogMessage(t *testing.T) {
	a := sample(t, rule.UnexpectedFileAccess)
	a.Message, a.Severity = "unexpected read", severity.Critical
	a.Allow = &alert.Allowance{Container: profile.Container{Syscalls: map[string][]string{"386": {"dup"}}}}
	a.Last = time.Date(2026, 11, 30, 12, 0, 0, 5e6, time.UTC)
	a.Ancestors = nil
	defer func(local *time.Location) { time.Local = local }(time.Local)
	time.Local = time.UTC
	s, err := NewSyslog("log", SyslogOptions{Address: "udp://localhost:1", Facility: 3, Hostname: "node 1\n", Encode: alert.Text(false)})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := s.message(&a)
	if err != nil {
		t.Fatal(err)
	}
	header, text, _ := strings.Cut(string(raw), " bobwatch ")
	if want := "<26>1 2026-11-30T12:00:00.005Z node_1_"; header != want {
		t.Errorf("header: got %q, want %q", header, want)
	}
	if want := " R0002 - 12:00:00 CRITICAL R0002 shop/Deployment/web/web unexpected read "; !strings.Contains(text, want) {
		t.Errorf("text: got %q, want it to hold %q", text, want)
	}
	if want := "; bobctl allow --arch 386 --syscall dup"; !strings.HasSuffix(text, want) {
		t.Errorf("text: got %q, want it to end in %q", text, want)
	}
}

func TestFalco(t *testing.T) {
	a := sample(t, rule.UnexpectedFileAccess)
	a.Message, a.Node = "unexpected read", "node-1"
	a.Process = alert.Process{PID: 7, UID: 33, Comm: "cat", Exe: "/bin/cat", Args: []string{"cat", "/etc/shadow"}}
	a.Ancestors = []alert.Process{{PID: 6, Comm: "sh"}}
	a.Deviation.Open.Path = "/etc/shadow"
	a.Last = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	var b bytes.Buffer
	if err := Falco(&b, &a); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"hostname": "node-1", "output": "12:00:00.000000000: Error unexpected read", "priority": "Error",
		"rule": "Unexpected file access", "source": "syscall", "tags": []any{"bobwatch", "R0002", "mitre_collection", "T1005"},
		"time": "2026-11-30T12:00:00Z",
		"output_fields": map[string]any{
			"evt.time": float64(a.Last.UnixNano()), "evt.type": "open", "fd.name": "/etc/shadow", "k8s.ns.name": "shop",
			"container.id": "0", "container.name": "web", "proc.pid": 7., "proc.ppid": 6., "user.uid": 33.,
			"proc.name": "cat", "proc.exepath": "/bin/cat", "proc.cmdline": "cat /etc/shadow",
			"proc.pname": "sh", "proc.pcmdline": "sh", "bob.count": 1., "bob.fingerprint": "00", "bob.open.flags": "O_RDONLY",
			"bob.workload.kind": "Deployment", "bob.workload.name": "web",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOCSF(t *testing.T) {
	a := sample(t, rule.UnexpectedSyscall)
	a.Rule, a.RuleName = rule.KernelModuleLoad, rule.KernelModuleLoad.Name()
	a.ID, a.Incident, a.Node, a.Message, a.Also = "id", "story", "node-1", "module load", []rule.ID{rule.UnexpectedSyscall}
	a.Process = alert.Process{PID: 7, UID: 33, Comm: "insmod", Exe: "/sbin/insmod", Args: []string{"insmod", "x.ko"}}
	a.Ancestors = []alert.Process{{PID: 6, Comm: "sh"}}
	var b bytes.Buffer
	if err := OCSF(&b, &a); err != nil {
		t.Fatal(err)
	}
	var got struct {
		ClassUID    int `json:"class_uid"`
		CategoryUID int `json:"category_uid"`
		TypeUID     int `json:"type_uid"`
		ActivityID  int `json:"activity_id"`
		SeverityID  int `json:"severity_id"`
		Time        int64
		Metadata    struct {
			Version        string
			CorrelationUID string `json:"correlation_uid"`
			Product        map[string]string
		}
		FindingInfo struct {
			UID, Title string
			Attacks    []struct {
				Technique struct{ UID string }
				Tactics   []struct{ UID string }
			}
		} `json:"finding_info"`
		Device    struct{ Hostname string }
		Evidences []struct {
			Process struct {
				PID    int
				Parent struct{ Name string } `json:"parent_process"`
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.ClassUID != 2004 || got.CategoryUID != 2 || got.TypeUID != got.ClassUID*100+got.ActivityID ||
		got.SeverityID != ocsfSeverities[a.Severity] || got.Time != a.Last.UnixMilli() ||
		got.Metadata.Version == "" || got.Metadata.Product["name"] != "bobwatch" || got.Metadata.CorrelationUID != "story" {
		t.Errorf("base: got %+v", got)
	}
	attacks := got.FindingInfo.Attacks
	if got.FindingInfo.UID != "id" || got.FindingInfo.Title != "Kernel module load" || len(attacks) != 2 ||
		attacks[0].Technique.UID != "T1547.006" || attacks[0].Tactics[0].UID != "TA0003" {
		t.Errorf("finding: got %+v", got.FindingInfo)
	}
	if got.Device.Hostname != "node-1" || len(got.Evidences) != 1 || got.Evidences[0].Process.PID != 7 || got.Evidences[0].Process.Parent.Name != "sh" {
		t.Errorf("evidence: got %+v", got.Evidences)
	}
}

func TestTemplateIsCheckedAtStart(t *testing.T) {
	tests := map[string]struct {
		text   string
		isJSON bool
		want   string // "" for accepted
	}{
		"plain":             {`{{.Severity}} {{.Workload.Name}}: {{.Message}}`, false, ""},
		"parts":             {`{{with .Deviation.Open}}{{.Path}}{{end}}`, false, ""},
		"JSON":              {`{"text": {{json .Message}}}`, true, ""},
		"no such field":     {`{{.Mesage}}`, false, "Mesage"},
		"not there always":  {`{{.Deviation.Open.Path}}`, false, "nil pointer"},
		"syntax":            {`{{.Message`, false, "unclosed action"},
		"no such function":  {`{{shout .Message}}`, false, "shout"},
		"quotes around it":  {`{"text": "{{.Message}}"}`, true, "{{json .Message}}"},
		"without an end":    {`{{define "a"}}{{template "a"}}{{end}}{{template "a"}}`, false, "exceeded maximum template depth"},
		"too much to write": {`{{printf "%70000d" 1}}`, false, fmt.Sprint(maxRendered)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Template(tt.text, tt.isJSON)
			if tt.want == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error that says %q", err, tt.want)
			}
		})
	}
}
