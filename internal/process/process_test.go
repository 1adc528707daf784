package process

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strings"
	"testing"

	"bobwatch/internal/event"
)

func proc(pid uint32, start uint64, comm string) event.Process {
	p := event.Process{PID: pid, Start: start * uint64(tick)}
	copy(p.Comm[:], comm)
	return p
}

func exec(at uint64, path, args string, p event.Process, ancestors ...event.Process) *event.Event {
	e := act(at, p, ancestors...)
	e.Kind, e.Path, e.Args = event.KindExec, []byte(path), []byte(args)
	return e
}

// act is anything a process does; at is in ticks.
func act(at uint64, p event.Process, ancestors ...event.Process) *event.Event {
	e := &event.Event{Kind: event.KindSyscall, Time: at * uint64(tick), Process: p}
	e.NAncestors = copy(e.Ancestors[:], ancestors)
	return e
}

func TestResolve(t *testing.T) {
	master := proc(10, 100, "apache2")
	shell := proc(20, 300, "sh")
	tests := map[string]struct {
		execs []*event.Event
		event *event.Event
		want  []string // exe, a trailing + for an inherited one
	}{
		"own and parent's": {
			execs: []*event.Event{
				exec(110, "/usr/sbin/apache2", "apache2", master),
				exec(310, "/bin/dash", "sh\x00-c", shell, master),
			},
			event: act(400, shell, master),
			want:  []string{"/bin/dash", "/usr/sbin/apache2"},
		},
		"forked without exec": {
			execs: []*event.Event{exec(110, "/usr/sbin/apache2", "apache2", master)},
			event: act(400, proc(30, 200, "apache2"), proc(31, 150, "apache2"), master),
			want:  []string{"/usr/sbin/apache2+", "/usr/sbin/apache2+", "/usr/sbin/apache2"},
		},
		"the latest exec counts, the start time stays": {
			execs: []*event.Event{
				exec(310, "/bin/dash", "sh", shell),
				exec(320, "/bin/cat", "cat", proc(20, 300, "cat")),
			},
			event: act(400, proc(20, 300, "cat")),
			want:  []string{"/bin/cat"},
		},
		"an act that is reported late belongs to the exec before": {
			execs: []*event.Event{
				exec(310, "/bin/dash", "sh", shell),
				exec(320, "/bin/cat", "cat", proc(20, 300, "cat")),
			},
			event: act(315, shell),
			want:  []string{"/bin/dash"},
		},
		"forked before its parent executed something else": {
			execs: []*event.Event{
				exec(310, "/bin/dash", "sh", shell),
				exec(350, "/usr/bin/node", "node", proc(20, 300, "node")),
			},
			event: act(400, proc(21, 330, "sh"), proc(20, 300, "node")),
			want:  []string{"/bin/dash+", "/usr/bin/node"},
		},
		"reused pid": {
			execs: []*event.Event{exec(310, "/bin/dash", "sh", shell)},
			event: act(400, proc(20, 390, "evil")),
			want:  []string{""},
		},
		"adopted by an init it was not forked from": {
			execs: []*event.Event{exec(50, "/sbin/tini", "tini", proc(1, 40, "tini"))},
			event: act(400, proc(30, 200, "apache2"), proc(1, 40, "tini")),
			want:  []string{"", "/sbin/tini"},
		},
		"renamed after the fork of a renamed one": {
			execs: []*event.Event{exec(110, "/usr/bin/python3", "python3", proc(10, 100, "python3"))},
			event: act(400, proc(30, 200, "worker"), proc(10, 100, "worker")),
			want:  []string{"/usr/bin/python3+", "/usr/bin/python3"},
		},
		"unknown": {event: act(400, shell, master), want: []string{"", ""}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			table := New(DefaultOptions())
			for _, e := range tt.execs {
				table.Add(e)
			}
			var chain Chain
			table.Resolve(tt.event, &chain)
			for i, want := range tt.want {
				got := chain[i].Exe
				if chain[i].Inherited {
					got += "+"
				}
				if got != want {
					t.Errorf("command of process %d: got %q, want %q", i, got, want)
				}
			}
		})
	}
}

func TestImageProgram(t *testing.T) {
	su, sh := proc(20, 300, "su"), proc(10, 100, "sh")
	upper := exec(310, "/usr/bin/su", "su", su, sh)
	upper.Flags |= event.FlagUpperLayer
	tests := map[string]struct {
		exec, event *event.Event
		want        string
	}{
		"of the image":               {exec(310, "/usr/bin/su", "su", su, sh), act(400, su, sh), "/usr/bin/su"},
		"forked":                     {exec(310, "/usr/bin/su", "su", su, sh), act(400, proc(21, 350, "su"), su, sh), "/usr/bin/su"},
		"written by the container":   {upper, act(400, su, sh), ""},
		"executed something since":   {exec(310, "/usr/bin/su", "su", su, sh), act(400, proc(20, 300, "cat"), sh), ""},
		"a child executed something": {exec(310, "/usr/bin/su", "su", su, sh), act(400, proc(21, 350, "cat"), su, sh), ""},
		"unknown":                    {exec(310, "/usr/bin/su", "su", su, sh), act(400, proc(30, 350, "su")), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			table := New(DefaultOptions())
			table.Add(tt.exec)
			if got := table.ImageProgram(tt.event); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if n := testing.AllocsPerRun(10, func() { table.ImageProgram(tt.event) }); n != 0 {
				t.Errorf("got %v allocations, want 0", n)
			}
		})
	}
}

func TestAddKeepsNoMemoryOfTheEvent(t *testing.T) {
	table := New(DefaultOptions())
	e := exec(310, "/bin/dash", "sh\x00-c\x00", proc(20, 300, "sh"))
	table.Add(e)
	clear(e.Path)
	clear(e.Args)
	var chain Chain
	table.Resolve(e, &chain)
	if got, want := chain[0].Exe+" "+chain[0].Args, "/bin/dash sh\x00-c"; got != want {
		t.Errorf("command after the event was reused: got %q, want %q", got, want)
	}
}

func TestArgsAreBounded(t *testing.T) {
	table := New(DefaultOptions())
	e := exec(310, "/bin/sh", strings.Repeat("x", 128<<10), proc(20, 300, "sh"))
	table.Add(e)
	var chain Chain
	table.Resolve(e, &chain)
	if got := len(chain[0].Args); got != maxArgs || !chain[0].ArgsTruncated {
		t.Errorf("args: got %d bytes, truncated %t, want %d bytes, truncated", got, chain[0].ArgsTruncated, maxArgs)
	}
}

// dead is a pid that no process can have.
const dead = math.MaxInt32 - 1000

func TestDeadAreForgottenFirst(t *testing.T) {
	table := New(Options{MaxProcesses: 4, MaxBytes: 1 << 20})
	living := proc(uint32(os.Getpid()), 1, "init")
	table.Add(exec(2, "/sbin/init", "init", living))
	for i := range uint32(100) {
		table.Add(exec(uint64(10+i), "/bin/true", "true", proc(dead+i, uint64(10+i), "true")))
	}
	var chain Chain
	table.Resolve(act(1000, living), &chain)
	if got := chain[0].Exe; got != "/sbin/init" {
		t.Errorf("living process: got %q, want it kept", got)
	}
	if got := table.Evicted(); got != 0 {
		t.Errorf("evicted: got %d, want 0, for all forgotten ones were dead", got)
	}
	if got := table.Len(); got != 4 {
		t.Errorf("length: got %d, want 4", got)
	}
}

func TestLivingAreForgottenWhenThereIsNoOther(t *testing.T) {
	table := New(Options{MaxProcesses: 4, MaxBytes: 1 << 20})
	pid := uint32(os.Getpid())
	for i := range uint64(10) {
		table.Add(exec(i+1, "/bin/true", "true", proc(pid, i, "true")))
	}
	if got, want := table.Evicted(), uint64(6); got != want {
		t.Errorf("evicted: got %d, want %d", got, want)
	}
}

func TestBytesAreBounded(t *testing.T) {
	const limit = 64 << 10
	table := New(Options{MaxProcesses: 1000, MaxBytes: limit})
	args := strings.Repeat("x", maxArgs)
	for i := range uint32(100) {
		p := proc(dead+i%50, uint64(i%50), "sh")
		table.Add(exec(uint64(10+i), "/bin/sh", args, p))
	}
	sum := 0
	for element := table.order.Front(); element != nil; element = element.Next() {
		sum += element.Value.(*entry).bytes
	}
	if sum != table.bytes || sum > limit {
		t.Errorf("bytes: counted %d, held %d, limit %d", table.bytes, sum, limit)
	}
}

func TestResolveAllocatesNothing(t *testing.T) {
	table := New(DefaultOptions())
	master := proc(10, 100, "apache2")
	table.Add(exec(110, "/usr/sbin/apache2", "apache2", master))
	e := act(400, proc(30, 200, "apache2"), master)
	var chain Chain
	if n := testing.AllocsPerRun(100, func() { table.Resolve(e, &chain) }); n != 0 {
		t.Errorf("Resolve: got %v allocations, want 0", n)
	}
}

func TestAddRunning(t *testing.T) {
	table := New(DefaultOptions())
	pid := uint32(os.Getpid())
	if err := table.AddRunning(pid); err != nil {
		t.Fatal(err)
	}
	stat, err := readStat(pid)
	if err != nil {
		t.Fatal(err)
	}
	// The kernel reports the same start to the nanosecond.
	self := event.Process{PID: pid, Start: stat.ticks*uint64(tick) + 4711, Comm: stat.comm}
	var chain Chain
	table.Resolve(&event.Event{Kind: event.KindOpen, Time: math.MaxUint64, Process: self}, &chain)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := chain[0].Exe, exe; got != want {
		t.Errorf("exe: got %q, want %q", got, want)
	}
	if got, want := chain[0].Args, strings.Join(os.Args, "\x00"); got != want {
		t.Errorf("args: got %q, want %q", got, want)
	}
	if err := table.AddRunning(dead); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("AddRunning of a dead process: got %v, want not exist", err)
	}
}

func TestLinkTarget(t *testing.T) {
	tests := map[string]struct {
		path string
		file event.Flag
	}{
		"/bin/dash":                {"/bin/dash", 0},
		"/tmp/x (deleted)":         {"/tmp/x", event.FlagDeleted},
		"/memfd:payload (deleted)": {"memfd:payload", event.FlagMemfd},
	}
	for link, want := range tests {
		if path, file := linkTarget(link); path != want.path || file != want.file {
			t.Errorf("linkTarget(%q): got %q, %b, want %q, %b", link, path, file, want.path, want.file)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	line := "4711 (%s) S 1 4711 4711 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 8899 1 1"
	f.Add([]byte(fmt.Sprintf(line, "sh")))
	f.Add([]byte(fmt.Sprintf(line, ") R 1 (")))
	f.Add([]byte("1 )(" + strings.Repeat(" 1", 30)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := parseStat(raw)
		if err == nil && s.comm[len(s.comm)-1] != 0 {
			t.Errorf("comm %q is not terminated", s.comm)
		}
	})
}

func TestParseStat(t *testing.T) {
	raw := []byte("4711 () S 7 (x)) S 1 4711 4711 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 8899 1 1\n")
	s, err := parseStat(raw)
	if err != nil {
		t.Fatal(err)
	}
	want := stat{ticks: 8899}
	copy(want.comm[:], ") S 7 (x)")
	if s != want {
		t.Errorf("parseStat: got %+v, want %+v", s, want)
	}
}
