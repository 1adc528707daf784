package observation

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
	"bobwatch/internal/observe"
	"bobwatch/internal/term"
	"bobwatch/internal/workload"
)

func newsEvent(kind event.Kind, change func(*event.Event)) *event.Event {
	ev := &event.Event{Kind: kind, Time: uint64(time.Second), Process: event.Process{PID: 7, UID: 33, Comm: [16]byte{'w', 'e', 'b'}}}
	if change != nil {
		change(ev)
	}
	return ev
}

func TestNewsFilter(t *testing.T) {
	call := func(nr uint32) *event.Event {
		return newsEvent(event.KindSyscall, func(ev *event.Event) { ev.Nr = nr })
	}
	exec, open, moved := newsEvent(event.KindExec, nil), newsEvent(event.KindOpen, nil), newsEvent(event.KindMoved, nil)
	tests := map[string]struct {
		filter Filter
		ev     *event.Event
		want   bool
	}{
		"everything: call":        {Filter{}, call(unix.SYS_CONNECT), true},
		"everything: move":        {Filter{}, moved, true},
		"opens: call":             {Filter{opens: true}, call(unix.SYS_CONNECT), false},
		"opens: open":             {Filter{opens: true}, open, true},
		"opens and execs: exec":   {Filter{opens: true, execs: true}, exec, true},
		"opens: move":             {Filter{opens: true}, moved, false},
		"named":                   {Filter{calls: "trace=connect,bind"}, call(unix.SYS_BIND), true},
		"not named":               {Filter{calls: "connect,bind"}, call(unix.SYS_READ), false},
		"open by its call":        {Filter{calls: "openat2"}, open, true},
		"exec by its call":        {Filter{calls: "execve"}, exec, true},
		"exec not named":          {Filter{calls: "connect"}, exec, false},
		"excepted":                {Filter{calls: "!connect"}, call(unix.SYS_CONNECT), false},
		"not excepted":            {Filter{calls: "trace=!connect"}, call(unix.SYS_READ), true},
		"opens of all but openat": {Filter{calls: "!openat"}, open, true},
		"of another kind":         {Filter{calls: "connect", opens: true}, call(unix.SYS_CONNECT), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := tt.filter.Check(); err != nil {
				t.Fatal(err)
			}
			if got := tt.filter.wants(tt.ev); got != tt.want {
				t.Errorf("wants = %t, want %t", got, tt.want)
			}
		})
	}
}

// What trace writes cannot steer a terminal or forge a line, in any format.
func TestTraceWritesHostileNames(t *testing.T) {
	hostile := "/tmp/a\n12:00 exec\x1b[31m\u202e\xff"
	s := &observe.Subject{Container: workload.Container{Name: hostile, Pod: hostile}}
	for _, format := range []term.Format{term.Table, term.JSON, term.YAML} {
		for _, kind := range []event.Kind{event.KindExec, event.KindOpen, event.KindMoved, event.KindSyscall} {
			var out strings.Builder
			tr := &Tracer{Out: &out, Format: format, Filter: &Filter{}, Several: true}
			tr.Act(s, newsEvent(kind, func(ev *event.Event) {
				ev.Path, ev.Args = []byte(hostile), []byte(hostile+"\x00")
				copy(ev.Process.Comm[:], "\x1b]0;x\a\n")
			}))
			text := out.String()
			if tr.err != nil || strings.ContainsAny(text, "\x1b\a\u202e") || !utf8.ValidString(text) {
				t.Errorf("%s: wrote %q, %v", format, text, tr.err)
			}
			if format != term.YAML && strings.Count(text, "\n") != 1 {
				t.Errorf("%s: %q is not one line", format, text)
			}
		}
	}
}

func TestTraceJSON(t *testing.T) {
	var out strings.Builder
	tr := &Tracer{Out: &out, Format: term.JSON, Filter: &Filter{}, Boot: time.Unix(100, 0).UTC()}
	s := &observe.Subject{Container: workload.Container{Namespace: "shop", Pod: "web-0", Name: "web"}}
	tr.Act(s, newsEvent(event.KindOpen, func(ev *event.Event) {
		ev.Path, ev.Access = []byte("/etc/shadow"), event.AccessRead
		ev.Flags, ev.Errno = event.FlagRefused|event.FlagCallerPath, uint32(unix.EACCES)
	}))
	var got news
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
		t.Fatal(err)
	}
	if got.Path != "/etc/shadow" || got.Access != "O_RDONLY" || got.Errno != "EACCES" || got.Kind != newsOpen ||
		got.Pod != "web-0" || got.Comm != "web" || got.UID != 33 || !got.Time.Equal(time.Unix(101, 0)) || len(got.Notes) != 1 {
		t.Errorf("got %+v", got)
	}
}
