package cel

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/rule/builtin"
)

// subject is an act in a container whose profile allows a few.
func subject(t testing.TB, e *event.Event) *Subject {
	t.Helper()
	m, err := match.Compile([]profile.Container{{
		Syscalls: map[string][]string{"amd64": {"read"}},
		Execs:    []profile.Exec{{Path: "/bin/cat", Args: []string{"cat", "x"}}},
		Opens:    []profile.Open{{Path: "/run/secrets/token", Flags: []string{"O_RDONLY"}}},
		Network: profile.Network{Egress: []profile.Neighbor{{
			IPAddresses: []string{"192.0.2.1"}, Ports: []profile.Port{{Protocol: "TCP", Port: "443"}},
		}}},
	}}, match.Options{Arch: "amd64", Strict: true, Senses: []profile.Sense{profile.SenseSyscalls, profile.SenseExecs, profile.SenseOpens, profile.SenseNetwork}})
	if err != nil {
		t.Fatal(err)
	}
	s := &Subject{Arch: "amd64"}
	s.Set(e, builtin.Container{
		ID: "c1", Name: "web", Namespace: "shop", Pod: "web-1",
		APIServers: []netip.AddrPort{netip.MustParseAddrPort("10.96.0.1:443")},
	}, m)
	return s
}

func exec(path, args string, flags event.Flag) *event.Event {
	e := &event.Event{Kind: event.KindExec, Path: []byte(path), Args: []byte(args), Flags: flags, NAncestors: 1}
	copy(e.Process.Comm[:], "cat")
	copy(e.Ancestors[0].Comm[:], "runc")
	return e
}

func open(path string) *event.Event {
	return &event.Event{Kind: event.KindOpen, Path: []byte(path), Access: event.AccessRead}
}

func egress(to string) *event.Event {
	peer := netip.MustParseAddrPort(to)
	return &event.Event{Kind: event.KindConnection, Connection: event.Connection{
		Direction: event.Egress, Peer: peer.Addr(), Port: peer.Port(), Protocol: event.TCP, Family: event.FamilyIPv4,
	}}
}

func TestHolds(t *testing.T) {
	call := &event.Event{Kind: event.KindSyscall, Nr: 321} // bpf
	tests := map[string]struct {
		event *event.Event
		text  string
		want  bool
	}{
		"allowed program":     {exec("/bin/cat", "cat\x00x", 0), `ap.was_executed(event.containerId, parse.get_exec_path(event.args, event.comm))`, true},
		"other program":       {exec("/bin/ls", "ls", 0), `!cp.was_executed(event.containerId, event.exepath)`, true},
		"allowed arguments":   {exec("/bin/cat", "cat\x00x", 0), `ap.was_executed_with_args(event.containerId, event.exepath, event.args)`, true},
		"other arguments":     {exec("/bin/cat", "cat\x00y", 0), `ap.was_executed_with_args(event.containerId, event.exepath, event.args)`, false},
		"drift":               {exec("/x", "x", event.FlagUpperLayer), `(event.upperlayer == true || event.pupperlayer == true) && !ap.was_executed(event.containerId, event.exepath)`, true},
		"parent":              {exec("/x", "x", 0), `event.pcomm == 'runc' && event.comm == "cat"`, true},
		"an argument":         {exec("/x", "x\x00--evil", 0), `event.args.exists(a, a.startsWith('--evil')) && event.args.size() == 2`, true},
		"from a mount":        {exec("/data/x", "x", event.FlagMount), `k8s.get_container_mount_paths(event.namespace, event.podName, event.containerName).exists(m, event.exepath.startsWith(m))`, true},
		"not from a mount":    {exec("/x", "x", 0), `k8s.get_container_mount_paths(event.namespace, event.podName, event.containerName).exists(m, event.exepath.startsWith(m))`, false},
		"open":                {open("/etc/shadow"), `event.path.startsWith('/etc/shadow') && !ap.was_path_opened(event.containerId, event.path)`, true},
		"open, another":       {open("/etc/hosts"), `event.path.startsWith('/etc/shadow') || event.path.startsWith('/etc/sudoers')`, false},
		"open, either":        {open("/etc/sudoers"), `event.path.startsWith('/etc/shadow') || event.path.startsWith('/etc/sudoers')`, true},
		"allowed token":       {open("/run/secrets/token"), `ap.was_path_opened_with_suffix(event.containerId, '/token')`, true},
		"another token":       {open("/srv/token"), `ap.was_path_opened_with_suffix(event.containerId, '/token')`, false},
		"flags":               {open("/srv/x"), `'O_RDONLY' in event.flags`, true},
		"call":                {call, `event.syscallName == 'bpf' && event.cmd == uint(5) && !ap.was_syscall_used(event.containerId, 'bpf')`, true},
		"allowed call":        {call, `ap.was_syscall_used(event.containerId, 'read')`, true},
		"peer":                {egress("203.0.113.1:3333"), `event.pktType == 'OUTGOING' && !net.is_private_ip(event.dstAddr) && !nn.was_address_in_egress(event.containerId, event.dstAddr)`, true},
		"allowed peer":        {egress("192.0.2.1:443"), `nn.was_address_port_protocol_in_egress(event.containerId, event.dstAddr, event.dstPort, event.proto)`, true},
		"its other port":      {egress("192.0.2.1:80"), `nn.was_address_port_protocol_in_egress(event.containerId, event.dstAddr, event.dstPort, event.proto)`, false},
		"API server":          {egress("10.96.0.1:443"), `k8s.is_api_server_address(event.dstAddr)`, true},
		"ports":               {egress("192.0.2.1:3333"), `event.proto == 'TCP' && event.dstPort in [3333, 45700]`, true},
		"environment":         {exec("/x", "x", 0), `process.get_ld_hook_var(event.pid) != ''`, false},
		"string functions":    {exec("/X", "x", 0), `event.exepath.lowerAscii() == '/x'`, true},
		"list of names":       {exec("/x", "x", 0), `event.comm in ['dog', 'cat']`, true},
		"symlink":             {&event.Event{Kind: event.KindChange, Change: event.ChangeSymlink, Path: []byte("/tmp/x"), Target: []byte("/etc/shadow")}, `event.oldPath.startsWith('/etc/shadow') && event.newPath == '/tmp/x' && event.act == 'symlink'`, true},
		"hard link":           {&event.Event{Kind: event.KindChange, Change: event.ChangeLink, Path: []byte("/etc/shadow"), Args: []byte("/tmp/x")}, `event.oldPath == '/etc/shadow' && event.newPath == '/tmp/x' && event.path == '/etc/shadow'`, true},
		"type of event":       {open("/x"), `eventType == 'open'`, true},
		"nothing of the kind": {open("/x"), `event.syscallName == '' && event.dstPort == 0 && event.args.size() == 0`, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			x, err := Compile(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := x.Holds(subject(t, tt.event), "open")
			if err != nil || got != tt.want {
				t.Errorf("%s: got %t, %v, want %t", tt.text, got, err, tt.want)
			}
		})
	}
}

// A profile that is not there allows nothing.
func TestWithoutProfile(t *testing.T) {
	x, err := Compile(`!ap.was_executed(event.containerId, event.exepath) && !nn.was_address_in_egress('', '192.0.2.1')`)
	if err != nil {
		t.Fatal(err)
	}
	s := subject(t, exec("/bin/cat", "cat\x00x", 0))
	s.Matcher = nil
	if got, err := x.Holds(s, "exec"); !got || err != nil {
		t.Errorf("got %t, %v", got, err)
	}
}

// Each refusal names the place.
func TestRefused(t *testing.T) {
	deep := strings.Repeat("[1,2,3,4,5,6,7,8,9,10].exists(x, ", 9) + "true" + strings.Repeat(")", 9)
	tests := map[string]struct{ text, want string }{
		"syntax":            {"event.comm ==", "1:14"},
		"second line":       {"event.comm == 'x' &&\n  event.nothing == 1", "2:8: undefined field"},
		"type":              {"event.comm == 1", "1:12"},
		"no boolean":        {"event.comm", "want a bool"},
		"unknown function":  {"ap.was_dreamt(event.comm)", "1:"},
		"unknown namespace": {"xx.was_executed(event.comm, '')", "1:"},
		"number of args":    {"ap.was_executed(event.comm)", "no matching overload"},
		"length":            {"event.comm == '" + strings.Repeat("x", MaxBytes) + "'", "bytes"},
		"nested loops":      {deep, "steps"},
		"loops over args":   {"event.args.all(a, event.args.all(b, event.args.all(c, a + b != c)))", "steps"},
		"pattern of act":    {"event.comm.matches(event.path)", "literal"},
		"long pattern":      {"event.comm.matches('" + strings.Repeat("a?", 200) + "')", "pattern"},
		"bad pattern":       {"event.comm.matches('(')", "1:"},
		"growing text":      {"event.path.replace('', event.path).replace('', event.path) == ''", "nested"},
		"text in a loop":    {"event.args.exists(a, a.replace('', a) == '')", "comprehension"},
		"depth":             {strings.Repeat("(", 500) + "true" + strings.Repeat(")", 500), "1:"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Compile(tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if at := (*Error)(nil); !errors.As(err, &at) || at.Line < 1 || at.Column < 1 {
				t.Errorf("%v names no place", err)
			}
		})
	}
}

func TestText(t *testing.T) {
	x, err := CompileText(`'read of ' + event.path + ' by ' + event.comm`)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := x.Text(subject(t, open("/x")), "open"); err != nil || got != "read of /x by " {
		t.Errorf("got %q, %v", got, err)
	}
}

// What fails the first conditions costs no garbage.
func TestFilters(t *testing.T) {
	for text, want := range map[string]int{
		`event.path.startsWith('/etc/') && event.comm == 'x' && ap.was_executed('', '')`: 2,
		`event.comm in ['a', 'b'] && event.dstPort == 1`:                                 1,
		`event.path == 'a' || event.path == 'b'`:                                         1,
		`event.path == 'a' || event.comm == 'b'`:                                         0,
		`!(event.path == 'a')`:                                                           0,
	} {
		x, err := Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(x.filters); got != want {
			t.Errorf("%s: got %d filters, want %d", text, got, want)
		}
		s := subject(t, open("/srv/x"))
		n := testing.AllocsPerRun(10, func() {
			if held, err := x.Holds(s, "open"); held && want > 0 || err != nil {
				t.Errorf("%s: got %t, %v", text, held, err)
			}
		})
		if want > 0 && n != 0 {
			t.Errorf("%s: got %v allocations", text, n)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, text := range []string{
		`event.path.startsWith('/etc') && !ap.was_path_opened(event.containerId, event.path)`, `event.args.exists(a, a.matches('^x+$'))`,
		`[1,2].map(x, x * 2).size() > 1`, `event.path.split('/')[1] == 'etc'`, `'a' + event.comm in event.args`, `{'a': 1}[event.comm] == 1`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x, err := Compile(text)
		if err != nil {
			return
		}
		e := exec(strings.Repeat("/x", 2000), strings.Repeat("x\x00", 2000), 0)
		_, _ = x.Holds(subject(t, e), "exec")
	})
}

func BenchmarkHolds(b *testing.B) {
	for name, text := range map[string]string{
		"filtered": `event.path.startsWith('/etc/') && !ap.was_path_opened(event.containerId, event.path)`,
		"profile":  `!ap.was_path_opened(event.containerId, event.path)`,
		"loop":     `event.args.exists(a, a.startsWith('--evil'))`,
	} {
		b.Run(name, func(b *testing.B) {
			x, err := Compile(text)
			if err != nil {
				b.Fatal(err)
			}
			s := subject(b, open("/srv/x"))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = x.Holds(s, "open")
			}
		})
	}
}
