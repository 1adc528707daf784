package match

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/syscalls"
)

func compileOpens(tb testing.TB, opts Options, opens ...profile.Open) *Matcher {
	tb.Helper()
	opts.Arch = "amd64"
	m, err := Compile([]profile.Container{{Opens: opens}}, opts)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// TestFormats holds the documents of earlier versions to what they meant.
func TestFormats(t *testing.T) {
	const allowed, unknown = Allowed, PathUnknown
	tests := map[string]struct {
		call       bool // of what is not listed
		exec, open Verdict
	}{
		"v1alpha1":         {call: false, exec: unknown, open: unknown},
		"v1alpha1-senses":  {call: true, exec: allowed, open: unknown},
		"v1alpha1-support": {call: false, exec: unknown, open: unknown},
	}
	for file, tt := range tests {
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile("../testdata/formats/" + file + ".yaml")
			if err != nil {
				t.Fatal(err)
			}
			documents, err := profile.Parse(file, text)
			if err != nil {
				t.Fatal(err)
			}
			p, err := profile.Bind(documents[0], nil)
			if err != nil {
				t.Fatal(err)
			}
			c := p.Spec.Containers[0]
			m, err := Compile([]profile.Container{c}, Options{Arch: "amd64", Senses: p.SensesOf(&c)})
			if err != nil {
				t.Fatal(err)
			}
			if !m.Syscall(0) || m.Syscall(101) != tt.call || m.CompatSyscall(26) != tt.call {
				t.Errorf("read %t, ptrace %t, 32-bit ptrace %t; want true, %t, %[3]t", m.Syscall(0), m.Syscall(101), m.CompatSyscall(26), tt.call)
			}
			if got := m.Exec([]byte("/usr/bin/dash"), []byte("sh\x00-c\x00ping -c 4 10.0.0.1\x00")); got != allowed {
				t.Errorf("a listed execution: %d", got)
			}
			if got := m.Exec([]byte("/usr/bin/nc"), nil); got != tt.exec {
				t.Errorf("another execution: %d, want %d", got, tt.exec)
			}
			if got := m.Open([]byte("/srv/acme/x/index.html"), event.AccessRead); got != allowed {
				t.Errorf("a listed open: %d", got)
			}
			if got := m.Open([]byte("/etc/shadow"), event.AccessRead); got != tt.open {
				t.Errorf("another open: %d, want %d", got, tt.open)
			}
		})
	}
}

// What a support set allows, and what an intruder would try to have allowed by it.
func TestMatcherSupport(t *testing.T) {
	c := profile.Container{
		Syscalls: map[string][]string{"amd64": {"openat", "socket", "clone"}, "386": nil},
		Opens:    []profile.Open{{Path: "/usr/share/zoneinfo/own", Flags: []string{"O_RDONLY"}}},
		Support:  []string{"descriptors/1", "kernel/1", "libc/1", "signals/1", "sockets/1", "timers/1"},
	}
	compile := func(opts Options) *Matcher {
		opts.Arch = "amd64"
		m, err := Compile([]profile.Container{c}, opts)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	m, strict := compile(Options{}), compile(Options{Strict: true})
	calls := map[string]bool{
		"restart_syscall": true, "madvise": true, "getsockopt": true, "shutdown": true, "getdents64": true, "clock_nanosleep": true,
		"kill": false, "timer_settime": false, // companions of calls that are not listed
		"ptrace": false, "mount": false, "bpf": false, "keyctl": false, "io_uring_setup": false, "memfd_create": false,
		"connect": false, "bind": false, "listen": false, "execve": false, "unlink": false, "ioctl": false, "truncate": false, "prctl": false,
	}
	for name, want := range calls {
		nr, _ := syscalls.Number("amd64", name)
		if got := m.Syscall(nr); got != want {
			t.Errorf("%s is allowed: %t, want %t", name, got, want)
		}
		if strict.Syscall(nr) {
			t.Errorf("%s is allowed by a strict matcher", name)
		}
		if nr, ok := syscalls.Number("386", name); ok && m.CompatSyscall(nr) {
			t.Errorf("32-bit %s is allowed, and no 32-bit call is listed", name)
		}
	}
	opens := map[string]struct {
		access         event.Access
		image, written Verdict
	}{
		"/usr/share/zoneinfo/Asia/Tokyo":                    {event.AccessRead, Allowed, PathUnknown},
		"/usr/share/zoneinfo/Asia/Osaka":                    {event.AccessWrite, PathUnknown, PathUnknown},
		"/usr/share/zoneinfo/own":                           {event.AccessRead, Allowed, Allowed},
		"/proc/7/stat":                                      {event.AccessRead, Allowed, PathUnknown},
		"/proc/7/environ":                                   {event.AccessRead, PathUnknown, PathUnknown},
		"/etc/shadow":                                       {event.AccessRead, PathUnknown, PathUnknown},
		"/usr/lib/x86_64-linux-gnu/libdropped.so":           {event.AccessRead, PathUnknown, PathUnknown},
		"/usr/lib/x86_64-linux-gnu/gconv/EVIL.so":           {event.AccessRead, PathUnknown, PathUnknown},
		"/usr/lib/python3/dist-packages/planted.py":         {event.AccessRead, PathUnknown, PathUnknown},
		"/usr/lib/x86_64-linux-gnu/gconv/gconv-modules.d/x": {event.AccessRead, Allowed, PathUnknown},
	}
	for path, tt := range opens {
		if got := m.Open([]byte(path), tt.access); got != tt.image {
			t.Errorf("Open(%s) = %d, want %d", path, got, tt.image)
		}
		if got := m.OpenWritten([]byte(path), tt.access); got != tt.written {
			t.Errorf("OpenWritten(%s) = %d, want %d", path, got, tt.written)
		}
	}
	path := []byte("/usr/share/zoneinfo/Asia/Tokyo")
	if n := testing.AllocsPerRun(10, func() { m.Open(path, event.AccessRead) }); n != 0 {
		t.Errorf("Open allocates %v times", n)
	}
}

func TestMatcherOpenAccess(t *testing.T) {
	m := compileOpens(t, Options{},
		profile.Open{Path: "/r", Flags: []string{"O_RDONLY", "O_CLOEXEC"}},
		profile.Open{Path: "/w", Flags: []string{"O_WRONLY"}},
		profile.Open{Path: "/rw", Flags: []string{"O_RDWR"}},
		profile.Open{Path: "/any", Flags: []string{"O_CLOEXEC"}},
		profile.Open{Path: "/path", Flags: []string{"O_PATH"}},
		profile.Open{Path: "/joined/*", Flags: []string{"O_RDONLY"}},
		profile.Open{Path: "/joined/log", Flags: []string{"O_WRONLY"}},
	)
	const read, write = event.AccessRead, event.AccessWrite
	tests := map[string]struct {
		path   string
		access event.Access
		want   Verdict
	}{
		"read of a readable":         {"/r", read, Allowed},
		"write of a readable":        {"/r", write, DetailUnknown},
		"both of a readable":         {"/r", read | write, DetailUnknown},
		"O_PATH of a readable":       {"/r", 0, Allowed},
		"read of a writable":         {"/w", read, DetailUnknown},
		"both of both":               {"/rw", read | write, Allowed},
		"no access flag":             {"/any", read | write, Allowed},
		"O_PATH of O_PATH":           {"/path", 0, Allowed},
		"read of O_PATH":             {"/path", read, DetailUnknown},
		"pattern and literal joined": {"/joined/log", read | write, Allowed},
		"pattern alone":              {"/joined/other", read | write, DetailUnknown},
		"unknown":                    {"/x", 0, PathUnknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := m.Open([]byte(tt.path), tt.access); got != tt.want {
				t.Errorf("Open(%q, %d) = %d, want %d", tt.path, tt.access, got, tt.want)
			}
		})
	}
}

func TestMatcherExec(t *testing.T) {
	execs := []profile.Exec{
		{Path: "/bin/any"},
		{Path: "/bin/none", ArgsRequired: true},
		{Path: "/bin/cp", Args: []string{"cp", "a", "b"}},
		{Path: "/bin/cp", Args: []string{"cp", "c", "d"}},
		{Path: "/bin/sleep", Args: []string{"sleep", "⋯⋯"}},
		{Path: "/usr/bin/curl", Args: []string{"curl", "-s", "⋯"}},
		{Path: "/bin/echo", Args: []string{"echo", "*"}},
		{Path: "/bin/cat", Args: []string{"cat", "/etc/⋯/redis.conf"}},
		{Path: "/bin/tar", Args: []string{"tar", "⋯⋯", "-f", "⋯", "⋯⋯", "end"}},
		{Path: "/bin/sh", Args: []string{"sh", "-c", "ping -c 4 ⋯"}},
		{Path: "/opt/⋯/run", Args: []string{"run"}},
		{Path: "/opt/a/run", Args: []string{"run", "fast"}},
		{Path: "/bin/dash", Args: []string{"sh", "-c", "cat /var/⋯/log"}},
	}
	m, err := Compile([]profile.Container{{Execs: execs}}, Options{Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		path string
		args []string
		want Verdict
	}{
		"any arguments":                 {"/bin/any", []string{"x", "y"}, Allowed},
		"no arguments wanted":           {"/bin/none", nil, Allowed},
		"arguments where none":          {"/bin/none", []string{"x"}, DetailUnknown},
		"first entry":                   {"/bin/cp", []string{"cp", "a", "b"}, Allowed},
		"second entry":                  {"/bin/cp", []string{"cp", "c", "d"}, Allowed},
		"entries mixed":                 {"/bin/cp", []string{"cp", "a", "d"}, DetailUnknown},
		"prefix only":                   {"/bin/cp", []string{"cp", "a"}, DetailUnknown},
		"one too many":                  {"/bin/cp", []string{"cp", "a", "b", "c"}, DetailUnknown},
		"empty argument at the end":     {"/bin/cp", []string{"cp", "a", "b", ""}, DetailUnknown},
		"many take none":                {"/bin/sleep", []string{"sleep"}, Allowed},
		"many take several":             {"/bin/sleep", []string{"sleep", "1", "2"}, Allowed},
		"one argument":                  {"/usr/bin/curl", []string{"curl", "-s", "http://x"}, Allowed},
		"one empty argument":            {"/usr/bin/curl", []string{"curl", "-s", ""}, Allowed},
		"two for one":                   {"/usr/bin/curl", []string{"curl", "-s", "a", "b"}, DetailUnknown},
		"none for one":                  {"/usr/bin/curl", []string{"curl", "-s"}, DetailUnknown},
		"star is literal":               {"/bin/echo", []string{"echo", "*"}, Allowed},
		"star does not broaden":         {"/bin/echo", []string{"echo", "x"}, DetailUnknown},
		"segment inside":                {"/bin/cat", []string{"cat", "/etc/x/redis.conf"}, Allowed},
		"two segments inside":           {"/bin/cat", []string{"cat", "/etc/x/y/redis.conf"}, DetailUnknown},
		"many, then again":              {"/bin/tar", []string{"tar", "-f", "-f", "a", "-f", "b", "end", "end"}, Allowed},
		"many, wrong end":               {"/bin/tar", []string{"tar", "-f", "a", "end", "x"}, DetailUnknown},
		"word":                          {"/bin/sh", []string{"sh", "-c", "ping -c 4 example.com"}, Allowed},
		"word with a command behind":    {"/bin/sh", []string{"sh", "-c", "ping -c 4 8.8.8.8; cat /etc/passwd"}, DetailUnknown},
		"word with a separator inside":  {"/bin/sh", []string{"sh", "-c", "ping -c 4 8.8.8.8;id"}, DetailUnknown},
		"word with a substitution":      {"/bin/sh", []string{"sh", "-c", "ping -c 4 $(id)"}, DetailUnknown},
		"word with a newline":           {"/bin/sh", []string{"sh", "-c", "ping -c 4 a\nid"}, DetailUnknown},
		"word with invalid UTF-8":       {"/bin/sh", []string{"sh", "-c", "ping -c 4 \xff"}, DetailUnknown},
		"word with a control character": {"/bin/sh", []string{"sh", "-c", "ping -c 4 a\u0085b"}, DetailUnknown},
		"no word":                       {"/bin/sh", []string{"sh", "-c", "ping -c 4 "}, DetailUnknown},
		"part of a word":                {"/bin/dash", []string{"sh", "-c", "cat /var/a/log"}, Allowed},
		"part with commands behind":     {"/bin/dash", []string{"sh", "-c", "cat /var/x; id; echo /log"}, DetailUnknown},
		"part with a substitution":      {"/bin/dash", []string{"sh", "-c", "cat /var/$(id)/log"}, DetailUnknown},
		"two parts":                     {"/bin/dash", []string{"sh", "-c", "cat /var/a/b/log"}, DetailUnknown},
		"no part":                       {"/bin/dash", []string{"sh", "-c", "cat /var//log"}, DetailUnknown},
		"pattern path":                  {"/opt/a/run", []string{"run"}, Allowed},
		"literal path beside a pattern": {"/opt/a/run", []string{"run", "fast"}, Allowed},
		"pattern path, other arguments": {"/opt/b/run", []string{"run", "fast"}, DetailUnknown},
		"unknown path":                  {"/bin/nc", []string{"nc"}, PathUnknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			args := ""
			for _, arg := range tt.args {
				args += arg + "\x00"
			}
			if got := m.Exec([]byte(tt.path), []byte(args)); got != tt.want {
				t.Errorf("Exec(%q, %q) = %d, want %d", tt.path, args, got, tt.want)
			}
		})
	}
}

func TestMatcherMergedUsr(t *testing.T) {
	opens := []profile.Open{{Path: "/bin/sh"}, {Path: "/usr/lib/⋯/libc.so"}, {Path: "/⋯/bin/env"}, {Path: "/usr/share/x"}, {Path: "/lib64/*"}}
	tests := map[string]struct {
		path          string
		apart, merged Verdict
	}{
		"as written":             {"/bin/sh", Allowed, Allowed},
		"long name":              {"/usr/bin/sh", PathUnknown, Allowed},
		"pattern, as written":    {"/usr/lib/x/libc.so", Allowed, Allowed},
		"pattern, short name":    {"/lib/x/libc.so", PathUnknown, Allowed},
		"wildcard for usr":       {"/usr/bin/env", Allowed, Allowed},
		"wildcard, short name":   {"/bin/env", PathUnknown, Allowed},
		"below lib64":            {"/usr/lib64/a/b", PathUnknown, Allowed},
		"not a merged directory": {"/share/x", PathUnknown, PathUnknown},
		"a longer name":          {"/usr/binary/sh", PathUnknown, PathUnknown},
		"usr of usr":             {"/usr/usr/bin/sh", PathUnknown, PathUnknown},
	}
	apart, merged := compileOpens(t, Options{}, opens...), compileOpens(t, Options{MergedUsr: true}, opens...)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := apart.Open([]byte(tt.path), event.AccessRead); got != tt.apart {
				t.Errorf("apart: Open(%q) = %d, want %d", tt.path, got, tt.apart)
			}
			if got := merged.Open([]byte(tt.path), event.AccessRead); got != tt.merged {
				t.Errorf("merged: Open(%q) = %d, want %d", tt.path, got, tt.merged)
			}
		})
	}
}

// budgetOpens is the document the speed of matching is measured with: 50,000
// opens, 1,000 of them patterns.
func budgetOpens() []profile.Open {
	opens := make([]profile.Open, 0, 50_000)
	for i := range 49_000 {
		opens = append(opens, profile.Open{Path: fmt.Sprintf("/usr/lib/python3/dist-packages/module%d/part%d.py", i/20, i), Flags: []string{"O_RDONLY", "O_CLOEXEC"}})
	}
	for i := range 1_000 {
		pattern := []string{"/srv/app%d/⋯/index.html", "/var/lib/app%d/*", "/data/%d/*/log", "/proc/⋯/task/%d"}[i%4]
		opens = append(opens, profile.Open{Path: fmt.Sprintf(pattern, i), Flags: []string{"O_RDONLY"}})
	}
	return opens
}

// budgetPaths meet literals, patterns of every shape, and nothing.
func budgetPaths() [][]byte {
	var paths [][]byte
	for i := range 1024 {
		shapes := []string{
			fmt.Sprintf("/usr/lib/python3/dist-packages/module%d/part%d.py", i*47/20, i*47),
			fmt.Sprintf("/srv/app%d/x%d/index.html", i/4*4%1000, i),
			fmt.Sprintf("/var/lib/app%d/a/b/c/d", i/4*4%1000+1),
			fmt.Sprintf("/data/%d/a/b/c/log", i/4*4%1000+2),
			fmt.Sprintf("/proc/%d/task/%d", i, i/4*4%1000+3),
			fmt.Sprintf("/usr/lib/python3/dist-packages/module%d/none.py", i),
			fmt.Sprintf("/home/somebody/.ssh/id%d", i),
		}
		paths = append(paths, []byte(shapes[i%len(shapes)]))
	}
	return paths
}

func TestMatcherAllocatesNothing(t *testing.T) {
	opens := budgetOpens()
	m, err := Compile([]profile.Container{{
		Opens: opens,
		Execs: []profile.Exec{{Path: "/bin/⋯", Args: []string{"sh", "⋯⋯", "/a/⋯/b x ⋯"}}, {Path: "/bin/sh", Args: []string{"sh"}}},
	}}, Options{Arch: "amd64", MergedUsr: true})
	if err != nil {
		t.Fatal(err)
	}
	paths := append(budgetPaths(), []byte("/proc//1/../x/"), []byte("/usr/bin/env"), []byte(strings.Repeat("/a", 2048)))
	sh, args := []byte("/bin/sh"), []byte("sh\x00-x\x00/a/c/b x y")
	if m.Exec(sh, args) != Allowed {
		t.Error("Exec is not allowed")
	}
	allocs := testing.AllocsPerRun(10, func() {
		for _, path := range paths {
			m.Open(path, event.AccessRead)
		}
		m.Exec(sh, args)
		m.Exec(sh, args[:2])
		m.Syscall(1)
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
}

func BenchmarkOpen(b *testing.B) {
	opens, paths := budgetOpens(), budgetPaths()
	m := compileOpens(b, Options{}, opens...)
	for name, opts := range map[string]Options{"trie": {}, "trie merged usr": {MergedUsr: true}} {
		m := compileOpens(b, opts, opens...)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m.Open(paths[i%len(paths)], event.AccessRead)
			}
		})
	}
	b.Run("hostile 4 KiB", func(b *testing.B) {
		path := []byte("/data/2" + strings.Repeat("/a", 2040))
		for b.Loop() {
			m.Open(path, event.AccessRead)
		}
	})
}

func BenchmarkSyscall(b *testing.B) {
	m, err := Compile([]profile.Container{{Syscalls: map[string][]string{"amd64": {"read", "write"}}}}, Options{Arch: "amd64"})
	if err != nil {
		b.Fatal(err)
	}
	for i := uint32(0); b.Loop(); i++ {
		m.Syscall(i % 512)
	}
}

func BenchmarkCompile(b *testing.B) {
	opens := budgetOpens()
	b.ReportAllocs()
	var before, after runtime.MemStats
	var m *Matcher
	for b.Loop() {
		m = compileOpens(b, Options{}, opens...)
	}
	runtime.GC()
	runtime.ReadMemStats(&before)
	runtime.KeepAlive(m)
	m = nil
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(before.HeapAlloc-after.HeapAlloc)/(1<<20), "MiB/matcher")
}
