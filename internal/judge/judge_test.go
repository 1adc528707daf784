package judge

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/rule"
	"bobwatch/internal/rule/builtin"
	"bobwatch/internal/syscalls"
)

func newJudge(t testing.TB) *Judge {
	t.Helper()
	j, err := New("amd64")
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func matcher(t testing.TB, calls ...string) *match.Matcher {
	t.Helper()
	m, err := match.Compile([]profile.Container{{
		Syscalls: map[string][]string{"amd64": append(calls, "read")},
		Execs: []profile.Exec{
			{Path: "/bin/cat", Args: []string{"cat"}},
			{Path: "/opt/plugin", Args: []string{"plugin"}},
			{Path: "/dev/shm/known", Args: []string{"known"}},
		},
		Opens: []profile.Open{{Path: "/etc/passwd", Flags: []string{"O_RDONLY"}}},
	}}, match.Options{Arch: "amd64", Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func call(name string, flags event.Flag) *event.Event {
	nr, ok := syscalls.Number("amd64", name)
	if !ok {
		panic("no system call " + name)
	}
	return &event.Event{Kind: event.KindSyscall, Nr: nr, Flags: flags}
}

func exec(path, args string, flags event.Flag) *event.Event {
	return &event.Event{Kind: event.KindExec, Path: []byte(path), Args: []byte(args), Flags: flags}
}

// text is what a deviation is, as "RULE severity (other rules)".
func text(j *Judge, e *event.Event, m *match.Matcher) string {
	d, ok := j.Check(e, m, builtin.Container{Image: true})
	if !ok {
		return ""
	}
	if d.Event != e {
		return "another event"
	}
	also := slices.DeleteFunc(slices.Clone(d.Also[:]), func(id rule.ID) bool { return id == "" })
	slices.Sort(also)
	return strings.TrimSuffix(fmt.Sprintf("%s %s %v", d.Rule, d.Severity, also), " []")
}

// One act is one deviation, whatever it breaks.
func TestCheck(t *testing.T) {
	tests := map[string]struct {
		event                *event.Event
		guarded, undescribed string
	}{
		"known call":         {call("read", 0), "", ""},
		"call":               {call("setsid", 0), "R0003 low", ""},
		"mount":              {call("mount", 0), "BW107 critical [R0003]", "BW107 high"},
		"module":             {call("finit_module", 0), "R1002 critical [R0003]", "R1002 critical"},
		"ptrace":             {call("ptrace", 0), "R1015 critical [R0003]", "R1015 high"},
		"bpf":                {call("bpf", 0), "R0009 critical [R0003]", "R0009 high"},
		"unshare":            {call("unshare", 0), "R1006 critical [R0003]", "R1006 high"},
		"io_uring":           {call("io_uring_setup", 0), "R1030 high [R0003]", ""},
		"32-bit ptrace":      {&event.Event{Kind: event.KindSyscall, ABI: event.ABICompat, Nr: 26}, "R1015 critical [R0003]", "R1015 high"},
		"x32 ptrace":         {&event.Event{Kind: event.KindSyscall, ABI: event.ABIX32, Nr: 1<<30 | 101}, "R1015 critical [BW138 R0003]", "R1015 high [BW138]"},
		"unknown number":     {&event.Event{Kind: event.KindSyscall, ABI: event.ABIUnknown, Nr: 101}, "R0003 medium", ""},
		"known program":      {exec("/bin/cat", "cat", 0), "", ""},
		"program":            {exec("/bin/ls", "ls", 0), "R0001 medium", ""},
		"dropped program":    {exec("/tmp/x", "x", event.FlagUpperLayer), "R1001 high [R0001]", "R1001 high"},
		"dropped into shm":   {exec("/dev/shm/x", "x", event.FlagMount|event.FlagUpperLayer), "R1000 high [R0001 R1001 R1004]", "R1000 high [R1001]"},
		"allowed in shm":     {exec("/dev/shm/known", "known", 0), "", "R1000 high"},
		"program from mount": {exec("/data/x", "x", event.FlagMount), "R1004 medium [R0001]", ""},
		"known plugin":       {exec("/opt/plugin", "plugin", event.FlagUpperLayer), "", "R1001 high"},
		"plugin, arguments":  {exec("/opt/plugin", "plugin\x00-v", event.FlagUpperLayer), "R0040 high", "R1001 high"},
		"in memory":          {exec("memfd:x", "x", event.FlagMemfd), "R1005 critical [R0001]", "R1005 critical"},
		"left":               {&event.Event{Kind: event.KindMoved}, "BW001 critical", "BW001 critical"},
		"memory of another": {
			&event.Event{Kind: event.KindOpen, Path: []byte("/proc/7/mem"), Access: event.AccessWrite},
			"R1015 critical [R0002 R0010]", "R1015 high",
		},

		"the runtime's module":  {call("finit_module", event.FlagRuntime), "R0003 critical", "R0003 critical"},
		"the runtime's unshare": {call("unshare", event.FlagRuntime), "", ""},
		"the runtime's program": {exec("memfd:runc", "runc", event.FlagRuntime|event.FlagMemfd), "", ""},
		"a cgroup":              {&event.Event{Kind: event.KindCgroupCreated}, "", ""},
	}
	j, m := newJudge(t), matcher(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := text(j, tt.event, m); got != tt.guarded {
				t.Errorf("guarded: got %q, want %q", got, tt.guarded)
			}
			if got := text(j, tt.event, nil); got != tt.undescribed {
				t.Errorf("without a profile: got %q, want %q", got, tt.undescribed)
			}
			allocs := testing.AllocsPerRun(100, func() {
				j.Check(tt.event, m, builtin.Container{})
				j.Check(tt.event, nil, builtin.Container{Image: true})
			})
			if allocs != 0 {
				t.Errorf("got %v allocations, want 0", allocs)
			}
		})
	}
}

// A profile excuses what it names, but for what is wrong everywhere.
func TestProfileExcuses(t *testing.T) {
	j, m := newJudge(t), matcher(t, "bpf", "unshare", "finit_module", "ptrace", "io_uring_setup")
	for name, want := range map[string]string{
		"bpf": "", "unshare": "", "io_uring_setup": "",
		"finit_module": "R1002 critical", "ptrace": "R1015 high",
	} {
		if got := text(j, call(name, 0), m); got != want {
			t.Errorf("%s in the profile: got %q, want %q", name, got, want)
		}
	}
}

func TestEveryArchitecture(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64", runtime.GOARCH} {
		if _, err := New(arch); err != nil {
			t.Errorf("%s: %v", arch, err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	j, m := newJudge(b), matcher(b)
	for name, e := range map[string]*event.Event{
		"known open": {Kind: event.KindOpen, Path: []byte("/etc/passwd"), Access: event.AccessRead},
		"known exec": exec("/bin/cat", "cat", 0),
		"ptrace":     call("ptrace", 0),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				j.Check(e, m, builtin.Container{Image: true})
			}
		})
	}
}
