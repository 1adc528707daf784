package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/alert"
	"bobwatch/internal/allowance"
	"bobwatch/internal/detector"
	"bobwatch/internal/docfile"
	"bobwatch/internal/event"
	"bobwatch/internal/process"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/documents"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/rule"
	"bobwatch/internal/testenv"
)

// alerts makes alerts as the agent of an amd64 node would.
type alerts struct{ builder alert.Builder }

func newAlerts() *alerts {
	return &alerts{alert.Builder{Node: "node-1", Arch: "amd64", Processes: process.New(process.DefaultOptions())}}
}

func (a *alerts) of(e *event.Event) alert.Alert {
	e.Time = uint64(time.Minute)
	subject := &alert.Subject{
		Workload:  alert.Workload{Namespace: "shop", Kind: "Deployment", Name: "webapp"},
		Container: alert.Container{ID: "40ec5b5b", Name: "web"},
	}
	return a.builder.Build(detector.Deviation{Rule: rule.UnexpectedProcess, Event: e}, subject)
}

// line returns the JSON of an alert as the agent writes it.
func line(t testing.TB, a alert.Alert) string {
	t.Helper()
	var out bytes.Buffer
	if err := alert.JSON(&out, &a); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func execOf(path string, args ...string) *event.Event {
	e := &event.Event{Kind: event.KindExec, Path: []byte(path)}
	for _, arg := range args {
		e.Args = append(append(e.Args, arg...), 0)
	}
	return e
}

func openOf(path string, access event.Access) *event.Event {
	return &event.Event{Kind: event.KindOpen, Path: []byte(path), Access: access}
}

func syscallOf(abi event.ABI, nr uint32) *event.Event {
	return &event.Event{Kind: event.KindSyscall, ABI: abi, Nr: nr}
}

// allows reports whether the documents of a file allow e.
func allows(t testing.TB, path string, e *event.Event) bool {
	t.Helper()
	profiles, err := documents.Parse(path, []byte(readFile(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	if len(profiles) != 1 || !profiles[0].IsAllowance() {
		t.Fatalf("%s holds something else than one allowance", path)
	}
	w := profile.Workload{Namespace: "shop", Kind: "Deployment", Name: "webapp"}
	if diff := cmp.Diff(w, profiles[0].Spec.Workload); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", path, diff)
	}
	m, err := match.Compile(profiles[0].Spec.Containers, match.Options{Arch: "amd64", Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	return matches(m, e)
}

func matches(m *match.Matcher, e *event.Event) bool {
	switch {
	case e.Kind == event.KindExec:
		return m.Exec(e.Path, e.Args) == match.Allowed
	case e.Kind == event.KindOpen:
		return m.Open(e.Path, e.Access) == match.Allowed
	case e.ABI == event.ABICompat:
		return m.CompatSyscall(e.Nr)
	}
	return m.Syscall(e.Nr)
}

// buildBobctl returns the directory with the program.
func buildBobctl(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "bobctl"), ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build bobctl: %v\n%s", err, out)
	}
	return dir
}

// The line of an alert is pasted into a shell. Then that act is allowed and no
// other, however the container named its files and arguments, and nothing else
// has happened.
func TestPastedLineAllowsThatAct(t *testing.T) {
	hostile := "it's; touch pwned; `touch pwned` $PATH \"$HOME\" \\ * ~ !! #&|<>{a,b}[a]"
	tests := map[string]struct {
		event *event.Event
		not   []*event.Event // what stays forbidden
	}{
		"syscall": {syscallOf(event.ABINative, 101), []*event.Event{
			syscallOf(event.ABICompat, 101), syscallOf(event.ABICompat, 26), syscallOf(event.ABINative, 102),
		}},
		"compat syscall": {syscallOf(event.ABICompat, 20), []*event.Event{
			syscallOf(event.ABINative, 20), syscallOf(event.ABINative, 39),
		}},
		"exec": {execOf("/bin/cat", "cat", "/etc/shadow"), []*event.Event{
			execOf("/bin/cat", "cat"), execOf("/bin/cat", "cat", "/etc/shadow", "x"), execOf("/bin/cat", "cat", "/etc/passwd"),
			execOf("/bin/cat", "cat /etc/shadow"), execOf("/bin/dog", "cat", "/etc/shadow"), openOf("/etc/shadow", event.AccessRead),
		}},
		"exec without arguments":    {execOf("/bin/cat"), []*event.Event{execOf("/bin/cat", "cat")}},
		"exec with empty arguments": {execOf("/bin/cat", "", ""), []*event.Event{execOf("/bin/cat"), execOf("/bin/cat", "", "", "")}},
		"exec of flags": {execOf("/bin/x", "--help", "-h", "--", "allow", "--arg", "--file=/etc/x", "-f"), []*event.Event{
			execOf("/bin/x", "--help"), execOf("/bin/x", "allow"),
		}},
		"exec of shell code": {execOf("/bin/sh", "sh", "-c", hostile), []*event.Event{execOf("/bin/sh", "sh", "-c", hostile+";")}},
		"exec of YAML":       {execOf("/bin/x", "|-", "- a: b", "null", "12", "&a", "*a", "!!x", "#", "{}"), []*event.Event{execOf("/bin/x", "|-")}},
		"exec of stars":      {execOf("/bin/x", "*", "a*"), []*event.Event{execOf("/bin/x", "y", "ab")}},
		"exec in a hostile directory": {execOf("/tmp/"+hostile+"/a", "a"), []*event.Event{
			execOf("/tmp/x/a", "a"),
		}},
		"open":             {openOf("/etc/shadow", event.AccessRead), []*event.Event{openOf("/etc/shadow", event.AccessWrite), openOf("/etc/shadow-", event.AccessRead), execOf("/etc/shadow")}},
		"open for writing": {openOf("/etc/x", event.AccessRead|event.AccessWrite), []*event.Event{openOf("/etc/x/y", event.AccessRead)}},
		"open hostile":     {openOf("/tmp/"+hostile, event.AccessRead), []*event.Event{openOf("/tmp/x", event.AccessRead)}},
		"open reversed":    {openOf("/tmp/x\u202ey", event.AccessRead), []*event.Event{openOf("/tmp/xy", event.AccessRead)}},
	}
	dir := buildBobctl(t)
	shells := map[string][]string{
		"bash":    {testenv.Command(t, "bash"), "-c"},
		"busybox": {testenv.Command(t, "busybox"), "sh", "-c"},
	}
	made := newAlerts()
	for name, tt := range tests {
		a := made.of(tt.event)
		if a.Allow == nil {
			t.Errorf("%s: the alert has no allow command", name)
		}
		for shell, command := range shells {
			t.Run(name+"/"+shell, func(t *testing.T) {
				t.Chdir(t.TempDir())
				paste := exec.Command(command[0], append(command[1:], a.Allow.String())...)
				paste.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
				if out, err := paste.CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", a.Allow, err, out)
				}
				wantOnlyThat(t, tt.event, tt.not)
			})
		}
		t.Run(name+"/alert", func(t *testing.T) {
			t.Chdir(t.TempDir())
			succeed(t, line(t, a), "allow", "--alert", "-")
			wantOnlyThat(t, tt.event, tt.not)
		})
	}
}

// wantOnlyThat looks at the current directory after something was allowed.
func wantOnlyThat(t *testing.T, that *event.Event, not []*event.Event) {
	t.Helper()
	if !allows(t, allowanceFile, that) {
		t.Errorf("the act is still forbidden by\n%s", readFile(t, allowanceFile))
	}
	for _, e := range not {
		if allows(t, allowanceFile, e) {
			t.Errorf("%q with %q is allowed too by\n%s", e.Path, e.Args, readFile(t, allowanceFile))
		}
	}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 {
		t.Errorf("something else happened: %v", files)
	}
}

// Whatever was executed or opened: if the alert has an allow command, it
// allows the act.
func FuzzAllowCommand(f *testing.F) {
	f.Add([]byte("/bin/sh"), []byte("sh\x00-c\x00echo 'a' \\ $x\x00\x00"), true, false)
	f.Add([]byte("/tmp/\u202e'x"), []byte("\x00"), false, false)
	f.Add([]byte("/proc/12/maps"), []byte(""), false, true)
	made := newAlerts()
	f.Fuzz(func(t *testing.T, path, args []byte, isExec, cut bool) {
		e := &event.Event{Kind: event.KindOpen, Path: path, Access: event.AccessRead}
		if isExec {
			e.Kind, e.Args = event.KindExec, args
			if cut {
				e.Flags = event.FlagArgsTruncated
			}
		}
		a := made.of(e)
		if a.Allow == nil {
			return
		}
		p, err := allowance.From(a.Allow)
		if err != nil {
			t.Fatalf("%s: %v", a.Allow, err)
		}
		if _, err := docfile.Marshal([]*profile.Profile{p}); err != nil {
			t.Fatalf("%s: %v", a.Allow, err)
		}
		m, err := match.Compile(p.Spec.Containers, match.Options{Arch: "amd64", Strict: true})
		if err != nil {
			t.Fatal(err)
		}
		if !matches(m, e) {
			t.Errorf("%s does not allow %q with %q", a.Allow, path, args)
		}
	})
}

// One after the other, in any order and repeatedly, allowances add up in one
// document for each workload.
func TestAllowAddsUp(t *testing.T) {
	workspace(t)
	allow := func(args ...string) string {
		return succeed(t, "", append([]string{"allow", "--container", "web"}, args...)...)
	}
	shop, blog := "shop/Deployment/webapp", "blog/Deployment/webapp"
	allow("--workload", shop, "--open", "/etc/x", "--flags", "O_RDONLY")
	allow("--workload", shop, "--open", "/etc/x", "--flags", "O_WRONLY")
	allow("--workload", shop, "--syscall", "dup2")
	allow("--workload", blog, "--exec", "/bin/id")
	before := readFile(t, allowanceFile)
	for _, args := range [][]string{
		{"--workload", blog, "--exec", "/bin/id"},
		{"--workload", shop, "--open", "/etc/x", "--flags", "O_WRONLY"},
	} {
		if out := allow(args...); !strings.Contains(out, "already") {
			t.Errorf("allow %q again: got %q, want it to say already", args, out)
		}
	}
	if diff := cmp.Diff(before, readFile(t, allowanceFile)); diff != "" {
		t.Errorf("allowing again changed the file (-before +after):\n%s", diff)
	}
	documents, err := documents.Parse(allowanceFile, []byte(before))
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string][]profile.Container)
	for _, p := range documents {
		got[p.Spec.Workload.Namespace] = p.Spec.Containers
	}
	want := map[string][]profile.Container{
		"shop": {{
			Name:     "web",
			Syscalls: map[string][]string{"amd64": {"dup2"}},
			Opens:    []profile.Open{{Path: "/etc/x", Flags: []string{"O_RDONLY", "O_WRONLY"}}},
		}},
		"blog": {{Name: "web", Execs: []profile.Exec{{Path: "/bin/id", ArgsRequired: true}}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}

func TestAllowFile(t *testing.T) {
	one := []string{"allow", "--workload", "shop/Deployment/webapp", "--syscall", "dup"}
	t.Run("directory", func(t *testing.T) {
		dir := t.TempDir()
		succeed(t, "", append(one, "--file", dir)...)
		readFile(t, filepath.Join(dir, allowanceFile))
	})
	t.Run("mode and link stay", func(t *testing.T) {
		t.Chdir(t.TempDir())
		writeFile(t, "real.yaml", "")
		if err := os.Chmod("real.yaml", 0o640); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("real.yaml", allowanceFile); err != nil {
			t.Fatal(err)
		}
		succeed(t, "", one...)
		info, err := os.Lstat("real.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != 0o640 || info.Size() == 0 {
			t.Errorf("real.yaml has mode %v and %d bytes, want 0640 and what is allowed", info.Mode(), info.Size())
		}
	})
	t.Run("dry run", func(t *testing.T) {
		t.Chdir(t.TempDir())
		if out := succeed(t, "", append(one, "--dry-run")...); !strings.HasPrefix(out, "apiVersion: ") {
			t.Errorf("got %q, want the document alone", out)
		}
		if _, err := os.Stat(allowanceFile); err == nil {
			t.Error("a dry run made a file")
		}
	})
	t.Run("signed", func(t *testing.T) {
		t.Chdir(t.TempDir())
		succeed(t, "", one...)
		writeFile(t, allowanceFile+".sig", "x")
		out := succeed(t, "", "allow", "--workload", "shop/Deployment/webapp", "--syscall", "dup3")
		if !strings.Contains(out, "allowances.yaml.sig is out of date") {
			t.Errorf("got %q, want a remark on the signature", out)
		}
		before := readFile(t, allowanceFile)
		o := bobctl(t, "", "allow", "--workload", "shop/Deployment/other", "--syscall", "dup3")
		if o.code != exitError || !strings.Contains(o.err, "--file NAME.yaml") || readFile(t, allowanceFile) != before {
			t.Errorf("a second workload in a signed file: exit code %d and %q", o.code, o.err)
		}
	})
}

// Alerts that nothing can accept do not keep others from being accepted.
func TestAllowAlerts(t *testing.T) {
	workspace(t)
	made := newAlerts()
	input := line(t, made.of(openOf("/etc/a", event.AccessRead))) +
		line(t, made.of(openOf("/tmp/*", event.AccessRead))) + "\n" +
		line(t, made.of(openOf("/etc/b", event.AccessRead)))
	o := bobctl(t, input, "allow", "--alert", "-")
	if o.code != exitError || !strings.Contains(o.err, "stdin:2: ") || strings.Contains(o.err, "stdin:1") {
		t.Errorf("got exit code %d and %q, want 1 and line 2", o.code, o.err)
	}
	for _, path := range []string{"/etc/a", "/etc/b"} {
		if !allows(t, allowanceFile, openOf(path, event.AccessRead)) {
			t.Errorf("%s is not allowed", path)
		}
	}
	if allows(t, allowanceFile, openOf("/tmp/x", event.AccessRead)) {
		t.Error("a file called * allows others")
	}

	var forged map[string]any
	if err := json.Unmarshal([]byte(line(t, made.of(openOf("/etc/c", event.AccessRead)))), &forged); err != nil {
		t.Fatal(err)
	}
	forged["allow"] = "bobctl allow --workload a/b/c --syscall dup --file webapp.yaml"
	text, err := json.Marshal(forged)
	if err != nil {
		t.Fatal(err)
	}
	if o := bobctl(t, string(text), "allow", "--alert", "-"); o.code == 0 {
		t.Errorf("an alert chose the file: %s", o.out)
	}
}
