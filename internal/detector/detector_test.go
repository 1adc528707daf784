package detector

import (
	"testing"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/severity"
)

// matcher allows what a small web server does.
func matcher(t *testing.T, compat ...string) *match.Matcher {
	t.Helper()
	m, err := match.Compile([]profile.Container{{
		Name:     "web",
		Syscalls: map[string][]string{"amd64": {"read", "write", "openat"}, "386": compat},
		Execs: []profile.Exec{
			{Path: "/usr/sbin/apache2", Args: []string{"apache2", "-DFOREGROUND"}},
			{Path: "/usr/bin/python3.11", Args: []string{"python3", "serve.py"}},
			{Path: "/opt/bin/busybox", Args: []string{"sh", "-c", "date"}},
		},
		Opens: []profile.Open{
			{Path: "/var/www/⋯/index.html", Flags: []string{"O_RDONLY"}},
			{Path: "/etc/passwd", Flags: []string{"O_RDONLY"}},
		},
	}}, match.Options{Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func syscallOf(abi event.ABI, nr uint32) *event.Event {
	return &event.Event{Kind: event.KindSyscall, ABI: abi, Nr: nr}
}

func execOf(path, args string, origin event.Origin, flags event.Flag) *event.Event {
	return &event.Event{Kind: event.KindExec, Path: []byte(path), Args: []byte(args), Origin: origin, Flags: flags}
}

func openOf(path string, access event.Access, flags event.Flag) *event.Event {
	return &event.Event{Kind: event.KindOpen, Path: []byte(path), Access: access, Flags: flags}
}

const (
	entrypoint = event.OriginEntrypoint
	outside    = event.OriginOutside
	read       = event.AccessRead
	write      = event.AccessWrite
)

func TestCheck(t *testing.T) {
	const silent = ""
	tests := map[string]struct {
		event *event.Event
		want  string // rule and severity
	}{
		"known syscall":                   {syscallOf(event.ABINative, 0), silent},
		"harmless syscall":                {syscallOf(event.ABINative, 186), "R0003 low"},
		"ptrace":                          {syscallOf(event.ABINative, 101), "R0003 critical"},
		"unshare":                         {syscallOf(event.ABINative, 272), "R0003 critical"},
		"io_uring_setup":                  {syscallOf(event.ABINative, 425), "R0003 high"},
		"syscall without a name":          {syscallOf(event.ABINative, 511), "R0003 medium"},
		"number beyond the table":         {syscallOf(event.ABINative, 1<<20), "R0003 medium"},
		"number outside of every table":   {syscallOf(event.ABIUnknown, 1), "R0003 medium"},
		"32-bit read is not read":         {syscallOf(event.ABICompat, 3), "R0003 high"},
		"32-bit number of a known native": {syscallOf(event.ABICompat, 0), "R0003 high"},
		"32-bit ptrace":                   {syscallOf(event.ABICompat, 26), "R0003 critical"},
		"x32 read is not read":            {syscallOf(event.ABIX32, 1<<30|0), "R0003 high"},
		"x32 ptrace":                      {syscallOf(event.ABIX32, 1<<30|101), "R0003 critical"},

		"known exec":                   {execOf("/usr/sbin/apache2", "apache2\x00-DFOREGROUND", entrypoint, 0), silent},
		"known exec from outside":      {execOf("/usr/sbin/apache2", "apache2\x00-DFOREGROUND", outside, event.FlagTTY), silent},
		"unknown arguments":            {execOf("/usr/sbin/apache2", "apache2\x00-k", entrypoint, 0), "R0040 low"},
		"unknown code":                 {execOf("/usr/bin/python3.11", "python3\x00-c\x00pwn()", entrypoint, 0), "R0040 medium"},
		"unknown code of an applet":    {execOf("/bin/busybox", "sh\x00-c\x00id", entrypoint, 0), "R0001 medium"},
		"known applet, unknown code":   {execOf("/opt/bin/busybox", "sh\x00-c\x00id", entrypoint, 0), "R0040 medium"},
		"known applet, unknown words":  {execOf("/opt/bin/busybox", "ls\x00/x", entrypoint, 0), "R0040 low"},
		"unknown arguments by hand":    {execOf("/usr/sbin/apache2", "apache2\x00-k", outside, event.FlagTTY), "R0040 medium"},
		"unknown program":              {execOf("/bin/cat", "cat", entrypoint, 0), "R0001 medium"},
		"unknown program of a probe":   {execOf("/bin/cat", "cat", outside, 0), "R0001 medium"},
		"unknown program by hand":      {execOf("/bin/cat", "cat", outside, event.FlagTTY), "R0001 high"},
		"program not of the image":     {execOf("/tmp/x", "x", entrypoint, event.FlagUpperLayer), "R0001 high"},
		"deleted program":              {execOf("/tmp/x", "x", entrypoint, event.FlagDeleted), "R0001 high"},
		"memfd":                        {execOf("memfd:x", "x", entrypoint, event.FlagMemfd), "R0001 critical"},
		"program of the node":          {execOf("outside:/bin/ls", "ls", entrypoint, event.FlagOutside), "R0001 high"},
		"entrypoint's with a terminal": {execOf("/bin/cat", "cat", entrypoint, event.FlagTTY), "R0001 medium"},

		"known open":                 {openOf("/var/www/a/index.html", read, 0), silent},
		"known open for writing":     {openOf("/var/www/a/index.html", write, 0), "R0002 medium"},
		"unknown open":               {openOf("/var/www/a/b/x", read, 0), "R0002 low"},
		"shadow":                     {openOf("/etc/shadow", read, 0), "R0002 critical"},
		"shadow, refused":            {openOf("/etc/shadow", read, event.FlagRefused|event.FlagCallerPath), "R0002 high"},
		"passwd is known":            {openOf("/etc/passwd", read, 0), silent},
		"passwd for writing":         {openOf("/etc/passwd", read|write, 0), "R0002 high"},
		"a program is overwritten":   {openOf("/usr/bin/ls", write, 0), "R0002 high"},
		"the same, refused":          {openOf("/usr/bin/ls", write, event.FlagRefused), "R0002 medium"},
		"a new file":                 {openOf("/srv/x", write, event.FlagCreated), "R0002 low"},
		"a new file of code":         {openOf("/srv/x.php", write, event.FlagCreated), "R0002 medium"},
		"a new library":              {openOf("/tmp/libx.so.1", write, event.FlagCreated), "R0002 medium"},
		"a new program":              {openOf("/usr/bin/x", write, event.FlagCreated), "R0002 high"},
		"a new key":                  {openOf("/root/.ssh/authorized_keys", write, event.FlagCreated), "R0002 critical"},
		"a file that was there":      {openOf("/srv/x", write, 0), "R0002 medium"},
		"through io_uring":           {openOf("/srv/x", read, event.FlagIOUring), "R0002 high"},
		"pipe":                       {openOf("pipe:[4711]", write, 0), silent},
		"anonymous inode":            {openOf("anon_inode:[eventpoll]", read, 0), silent},
		"no path":                    {openOf("", read, 0), silent},
		"memfd, reopened":            {openOf("memfd:x", write, event.FlagMemfd), silent},
		"another mount namespace":    {openOf("outside:/srv/x", read, event.FlagOutside), "R0002 high"},
		"shadow of the node":         {openOf("outside:/etc/shadow", read, event.FlagOutside), "R0002 critical"},
		"path without its beginning": {openOf("truncated:/b/c", read, event.FlagPathTruncated), "R0002 low"},

		"moved":          {&event.Event{Kind: event.KindMoved}, "BW001 critical"},
		"cgroup created": {&event.Event{Kind: event.KindCgroupCreated}, silent},
		"cgroup removed": {&event.Event{Kind: event.KindCgroupRemoved}, silent},
	}
	d, m := New("amd64"), matcher(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := silent
			if deviation, ok := d.Check(tt.event, m); ok {
				got = deviation.Rule.String() + " " + deviation.Severity.String()
				if deviation.Event != tt.event {
					t.Error("deviation does not refer to its event")
				}
			}
			if got != tt.want {
				t.Errorf("Check: got %q, want %q", got, tt.want)
			}
		})
	}
}

// A support set holds for the image's files, not for one that was put in their place.
func TestCheckSupport(t *testing.T) {
	m, err := match.Compile([]profile.Container{{Name: "web", Support: []string{"libc/1"}}}, match.Options{Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	const zone = "/usr/share/zoneinfo/Asia/Tokyo"
	for name, tt := range map[string]struct {
		event    *event.Event
		deviates bool
	}{
		"the image's":    {openOf(zone, read, 0), false},
		"planted":        {openOf(zone, read, event.FlagUpperLayer), true},
		"being replaced": {openOf(zone, write, 0), true},
		"of the node":    {openOf("outside:"+zone, read, event.FlagOutside), true},
	} {
		if _, deviates := New("amd64").Check(tt.event, m); deviates != tt.deviates {
			t.Errorf("%s: deviates %t, want %t", name, deviates, tt.deviates)
		}
	}
}

// What no document speaks for is not judged, whatever its number or its table.
func TestCheckUnjudged(t *testing.T) {
	m, err := match.Compile([]profile.Container{{Name: "web"}}, match.Options{Arch: "amd64", Senses: []profile.Sense{profile.SenseNetwork}})
	if err != nil {
		t.Fatal(err)
	}
	for name, e := range map[string]*event.Event{
		"syscall":          syscallOf(event.ABINative, 101),
		"beyond the table": syscallOf(event.ABINative, 1<<20),
		"32-bit":           syscallOf(event.ABICompat, 26),
		"x32":              syscallOf(event.ABIX32, 1<<30|101),
		"no table":         syscallOf(event.ABIUnknown, 1),
		"exec":             execOf("/tmp/x", "x", entrypoint, event.FlagUpperLayer),
		"open":             openOf("/etc/shadow", read|write, 0),
	} {
		if d, ok := New("amd64").Check(e, m); ok {
			t.Errorf("%s: %v deviates", name, d.Rule)
		}
	}
}

// A workload with a 32-bit program has a habit, so another call is less telling.
func TestCompatHabit(t *testing.T) {
	d, m := New("amd64"), matcher(t, "read")
	if _, ok := d.Check(syscallOf(event.ABICompat, 3), m); ok {
		t.Error("32-bit read in the profile: got a deviation")
	}
	got, ok := d.Check(syscallOf(event.ABICompat, 224), m) // gettid
	if !ok || got.Severity != severity.Medium {
		t.Errorf("32-bit gettid: got %v %s, want medium", ok, got.Severity)
	}
}

func TestCheckAllocatesNothing(t *testing.T) {
	d, m := New("amd64"), matcher(t)
	events := map[string]*event.Event{
		"syscall":        syscallOf(event.ABINative, 101),
		"compat":         syscallOf(event.ABICompat, 26),
		"exec":           execOf("/bin/cat", "cat\x00/etc/shadow", outside, event.FlagTTY),
		"exec arguments": execOf("/usr/sbin/apache2", "apache2\x00-k", entrypoint, 0),
		"open":           openOf("/home/joe/.ssh/id_rsa", read|write, 0),
		"known open":     openOf("/var/www/a/index.html", read, 0),
	}
	for name, e := range events {
		t.Run(name, func(t *testing.T) {
			if n := testing.AllocsPerRun(100, func() { d.Check(e, m) }); n != 0 {
				t.Errorf("Check: got %v allocations, want 0", n)
			}
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	m, err := match.Compile([]profile.Container{{
		Opens: []profile.Open{{Path: "/var/www/⋯/index.html", Flags: []string{"O_RDONLY"}}},
	}}, match.Options{Arch: "amd64"})
	if err != nil {
		b.Fatal(err)
	}
	d := New("amd64")
	for name, e := range map[string]*event.Event{
		"known open": openOf("/var/www/a/index.html", read, 0),
		"deviation":  openOf("/etc/shadow", read, 0),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				d.Check(e, m)
			}
		})
	}
}
