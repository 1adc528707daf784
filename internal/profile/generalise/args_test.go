package generalise

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/names"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
)

// argvs splits command lines at |, for arguments hold spaces.
func argvs(lines ...string) [][]string {
	var all [][]string
	for _, line := range lines {
		all = append(all, strings.Split(line, "|"))
	}
	return all
}

func TestGeneraliseArgs(t *testing.T) {
	each := func(n int, format string) []string {
		var lines []string
		for i := range n {
			lines = append(lines, fmt.Sprintf(format, strings.Repeat("x", i+1)))
		}
		return lines
	}
	shell := "/bin/dash"
	tests := map[string]struct {
		path  string
		lines []string
		want  []string
	}{
		"one stays":             {"/bin/ping", []string{"ping|-c|4|10.0.0.7"}, []string{"ping|-c|4|10.0.0.7"}},
		"two addresses":         {"/bin/ping", []string{"ping|-c|4|10.0.0.7", "ping|-c|4|10.0.0.8"}, []string{"ping|-c|4|⋯"}},
		"address and name":      {"/bin/ping", []string{"ping|-c|4|127.0.0.1", "ping|-c|4|localhost"}, []string{"ping|-c|4|⋯"}},
		"two plain stay":        {"/usr/sbin/nginx", []string{"nginx|-s|reload", "nginx|-s|quit"}, []string{"nginx|-s|quit", "nginx|-s|reload"}},
		"many plain":            {"/bin/cat", each(4, "cat|%s"), []string{"cat|⋯"}},
		"numbers in step":       {"/bin/x", []string{"x|1|2", "x|3|4"}, []string{"x|⋯|⋯"}},
		"key and number":        {"/bin/x", []string{"x|--pid=1", "x|--pid=2"}, []string{"x|⋯"}},
		"different keys":        {"/bin/x", []string{"x|--pid=a", "x|--port=b"}, []string{"x|--pid=a", "x|--port=b"}},
		"uuid at once":          {"/bin/x", []string{"x|0b9c2a7e-7f1d-4a58-9d6c-0d8c3c1a2b3c"}, []string{"x|⋯"}},
		"time at once":          {"/bin/x", []string{"x|1763683524"}, []string{"x|⋯"}},
		"temporary at once":     {"/bin/x", []string{"x|/tmp/tmp.Zm4q2LkKx0/a"}, []string{"x|/tmp/⋯/a"}},
		"temporary of a key":    {"/bin/x", []string{"x|--out=/tmp/tmp.Zm4q2LkKx0"}, []string{"x|--out=/tmp/⋯"}},
		"plain in step":         {"/bin/cp", []string{"cp|a|b", "cp|c|d", "cp|e|f", "cp|g|h", "cp|i|j", "cp|k|l", "cp|m|n"}, []string{"cp|⋯|⋯"}},
		"lengths":               {"/bin/ls", []string{"ls|-l|a", "ls|-l|a|b", "ls|-l|a|b|c", "ls|-l|a|b|c|d", "ls|-l|a|b|c|d|e"}, []string{"ls|-l|⋯⋯"}},
		"subcommands stay":      {"/bin/git", []string{"git|log|a", "git|log|a|b", "git|log|a|b|c", "git|log|a|b|c|d", "git|log|a|b|c|d|e", "git|clone|x"}, []string{"git|clone|x", "git|log|⋯⋯"}},
		"busybox tells applets": {"/bin/busybox", []string{"ping|10.0.0.1", "ping|10.0.0.2", "ls|/"}, []string{"ls|/", "ping|⋯"}},

		"shell: a host":                {shell, []string{"sh|-c|ping -c 4 10.0.0.7", "sh|-c|ping -c 4 db"}, []string{"sh|-c|ping -c 4 ⋯"}},
		"shell: two words in turn":     {shell, []string{"sh|-c|a x y", "sh|-c|a x z", "sh|-c|a w y", "sh|-c|a w z"}, []string{"sh|-c|a ⋯ ⋯"}},
		"shell: two words in step":     {shell, []string{"sh|-c|cp a1 b1", "sh|-c|cp a2 b2", "sh|-c|cp a3 b3", "sh|-c|cp a4 b4"}, []string{"sh|-c|cp ⋯ ⋯"}},
		"shell: numbers in step":       {shell, []string{"sh|-c|kill 12|a|1", "sh|-c|kill 13|a|2"}, []string{"sh|-c|kill ⋯|a|⋯"}},
		"shell: other commands":        {shell, []string{"sh|-c|ls /x", "sh|-c|rm /x"}, []string{"sh|-c|ls /x", "sh|-c|rm /x"}},
		"shell: command after an and":  {shell, []string{"sh|-c|cd / && ls a", "sh|-c|cd / && rm a"}, []string{"sh|-c|cd / && ls a", "sh|-c|cd / && rm a"}},
		"shell: command on a line":     {shell, []string{"sh|-c|cd /\nls a", "sh|-c|cd /\nrm a"}, []string{"sh|-c|cd /\nls a", "sh|-c|cd /\nrm a"}},
		"shell: not plain":             {shell, []string{"sh|-c|echo $(a)", "sh|-c|echo $(b)"}, []string{"sh|-c|echo $(a)", "sh|-c|echo $(b)"}},
		"shell: quoted stays":          {shell, []string{"sh|-c|grep 'a' f1", "sh|-c|grep 'a' f2"}, []string{"sh|-c|grep 'a' ⋯"}},
		"shell: one word":              {shell, each(30, "sh|-c|%s"), each(30, "sh|-c|%s")},
		"shell: beyond all bounds":     {shell, each(65, "sh|-c|%s"), []string{"sh|-c|⋯"}},
		"shell: joined options":        {shell, []string{"bash|-lc|id a", "bash|-lc|id b"}, []string{"bash|-lc|id ⋯"}},
		"shell: number in code":        {shell, []string{"sh|-c|1", "sh|-c|2"}, []string{"sh|-c|1", "sh|-c|2"}},
		"shell: script's arguments":    {shell, []string{"sh|/run.sh|1", "sh|/run.sh|2"}, []string{"sh|/run.sh|⋯"}},
		"shell: scripts never let -c":  {shell, each(10, "sh|/%s.sh|a"), each(10, "sh|/%s.sh|a")},
		"shell: lengths":               {shell, []string{"sh|-x|a", "sh|-x|a|b", "sh|-x|a|b|c", "sh|-x|a|b|c|d", "sh|-x|a|b|c|d|e"}, []string{"sh|-x|a", "sh|-x|a|b", "sh|-x|a|b|c", "sh|-x|a|b|c|d", "sh|-x|a|b|c|d|e"}},
		"shell: arguments of the code": {shell, []string{"sh|-c|echo \"$1\"|x|1", "sh|-c|echo \"$1\"|x|2"}, []string{"sh|-c|echo \"$1\"|x|⋯"}},
		"python":                       {"/usr/bin/python3.11", each(30, "python3|-c|%s"), each(30, "python3|-c|%s")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := Args(tt.path, argvs(tt.lines...), DefaultThresholds())
			want := slices.SortedFunc(slices.Values(argvs(tt.want...)), slices.Compare)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("GeneraliseArgs: -want +got\n%s", diff)
			}
		})
	}
}

func TestGeneraliseProgram(t *testing.T) {
	tests := map[string]string{
		"/usr/bin/python3.11":               "/usr/bin/python3.11",
		"/usr/lib/1234567/tool":             "/usr/lib/1234567/tool",
		"/opt/app-1.14.2/bin/app":           "/opt/app-1.14.2/bin/app",
		"/tmp/go-build1234567/b001/main":    "/tmp/⋯/b001/main",
		"/tmp/1234567":                      "/tmp/1234567",
		"/var/tmp/tmp.Zm4q2LkKx0/x/1234567": "/var/tmp/⋯/x/1234567",
		"memfd:1234567":                     "memfd:1234567",
	}
	for path, want := range tests {
		if got := Program(path); got != want {
			t.Errorf("GeneraliseProgram(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestObservedArgs(t *testing.T) {
	tests := map[string]struct {
		path, line string
		truncated  bool
		want       string
		no         bool
	}{
		"plain":                  {path: "/bin/a", line: "a|b", want: "a|b"},
		"cut":                    {path: "/bin/a", line: "a|b|c", truncated: true, want: "a|b|⋯⋯"},
		"cut code":               {path: "/bin/sh", line: "sh|-c|long", truncated: true, want: "sh|-c|long|⋯⋯"},
		"cut script":             {path: "/bin/sh", line: "sh|/scr", truncated: true, want: "sh|/scr|⋯⋯"},
		"cut before the code":    {path: "/bin/sh", line: "sh|-x", truncated: true, no: true},
		"cut behind the code":    {path: "/bin/sh", line: "sh|-c|a|b", truncated: true, want: "sh|-c|a|⋯⋯"},
		"option that is no text": {path: "/usr/bin/perl", line: "perl|\xff|a", want: "perl|⟦ff⟧|a"},
		"not text":               {path: "/bin/a", line: "a|\xff", want: "a|⟦ff⟧"},
		"code that is not text":  {path: "/bin/sh", line: "sh|-c|\xff", want: "sh|-c|⟦ff⟧"},
		"reads as a wildcard":    {path: "/bin/a", line: "a|⋯⋯", want: "a|⟦e28baf⟧⟦e28baf⟧"},
		"reads as one in a word": {path: "/bin/a", line: "a|x ⋯", want: "a|x ⟦e28baf⟧"},
		"its own path":           {path: "/tmp/_MEI12ab9x/tool", line: "/tmp/_MEI12ab9x/tool|x", want: "/tmp/⋯/tool|x"},
		"another path":           {path: "/bin/a", line: "/tmp/_MEI12ab9x/tool|x", want: "/tmp/_MEI12ab9x/tool|x"},
		"star is itself":         {path: "/bin/a", line: "a|*", want: "a|*"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := ObservedArgs(tt.path, strings.Split(tt.line, "|"), tt.truncated)
			if ok == tt.no || strings.Join(got, "|") != tt.want {
				t.Errorf("ObservedArgs = %q, %t, want %q, %t", strings.Join(got, "|"), ok, tt.want, !tt.no)
			}
		})
	}
}

// randomCommands draws commands from few parts, so that many are alike.
func randomCommands(r *rand.Rand, n int) [][]string {
	parts := []string{
		"-c", "-x", "a", "b", "1", "2", "10.0.0.1", "10.0.0.2", "--n=1", "--n=2", "/tmp/x1234567/y", "", " ",
		"ping -c 4 a", "ping -c 4 b", "ping -c 5 a", "cd / && ls a", "cd / && ls b", "rm  a", "ls\ta\n", "x;y z",
		"\xff", "0b9c2a7e-7f1d-4a58-9d6c-0d8c3c1a2b3c", "/var/tmp/1234567", "a b\u2003c", "a b\v c",
		"-o", "-e", "--", "-", "--eval", "--x=0b9c2a7e-7f1d-4a58-9d6c-0d8c3c1a2b3c",
	}
	var all [][]string
	for range n {
		argv := []string{[]string{"sh", "ls", "su", "perl", "env"}[r.IntN(5)]}
		for range r.IntN(5) {
			argv = append(argv, parts[r.IntN(len(parts))])
		}
		all = append(all, argv)
	}
	return all
}

func TestGeneraliseArgsProperties(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		path := []string{"/bin/sh", "/bin/ls", "/bin/busybox"}[r.IntN(3)]
		checkGeneralisedArgs(t, r, path, randomCommands(r, 1+r.IntN(80)))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func checkGeneralisedArgs(t *testing.T, r *rand.Rand, path string, commands [][]string) {
	t.Helper()
	thresholds := tightThresholds()
	got := Args(path, commands, thresholds)
	if diff := cmp.Diff(got, Args(path, got, thresholds)); diff != "" {
		t.Errorf("GeneraliseArgs is not idempotent: -once +twice\n%s", diff)
	}
	shuffled := slices.Clone(commands)
	r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	if diff := cmp.Diff(got, Args(path, shuffled, thresholds)); diff != "" {
		t.Errorf("GeneraliseArgs depends on the order: -want +got\n%s", diff)
	}
	var execs []profile.Exec
	for _, args := range got {
		execs = append(execs, profile.Exec{Path: path, Args: args})
	}
	m, err := match.Compile([]profile.Container{{Execs: execs}}, match.Options{Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	for _, argv := range commands {
		if verdict := m.Exec([]byte(path), []byte(strings.Join(argv, "\x00")+"\x00")); verdict != match.Allowed {
			t.Errorf("%q is not allowed after GeneraliseArgs: %q", argv, got)
		}
	}
}

// The demo's promise: any host is fine, nothing else is.
func TestLearnedPingLetsNoInjectionIn(t *testing.T) {
	args := Args("/bin/dash", argvs("sh|-c|ping -c 4 10.0.0.7", "sh|-c|ping -c 4 db.example"), DefaultThresholds())
	m, err := match.Compile([]profile.Container{{Execs: []profile.Exec{{Path: "/bin/dash", Args: args[0]}}}}, match.Options{Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]match.Verdict{
		"ping -c 4 192.168.1.1":       match.Allowed,
		"ping -c 4 fe80::1":           match.Allowed,
		"ping -c 4 a;cat /etc/passwd": match.DetailUnknown,
		"ping -c 4 a;id":              match.DetailUnknown,
		"ping -c 4 $(id)":             match.DetailUnknown,
		"ping -c 4 a|sh":              match.DetailUnknown,
		"ping -c 4 a\nid":             match.DetailUnknown,
		"ping -c 4 ":                  match.DetailUnknown,
		"ping -c 4 a b":               match.DetailUnknown,
	}
	for code, want := range tests {
		if got := m.Exec([]byte("/bin/dash"), []byte("sh\x00-c\x00"+code+"\x00")); got != want {
			t.Errorf("%q: %v, want %v", code, got, want)
		}
	}
}

func FuzzGeneraliseArgs(f *testing.F) {
	f.Add("/bin/sh", "sh|-c|ping a||sh|-c|ping b")
	f.Fuzz(func(t *testing.T, path, lines string) {
		var commands [][]string
		for line := range strings.SplitSeq(lines, "||") {
			argv, ok := ObservedArgs(path, strings.Split(line, "|"), false)
			if ok && !strings.Contains(line, "\x00") && line != "" {
				commands = append(commands, argv)
			}
		}
		if names.QuotePath(path) == path {
			checkGeneralisedArgs(t, rand.New(rand.NewPCG(1, 1)), path, commands)
		}
	})
}
