package syscalls

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/severity"
)

func TestSet(t *testing.T) {
	var s Set
	for _, nr := range []uint32{0, 63, 64, MaxNr - 1, MaxNr, 1 | 1<<30} {
		s.Add(nr)
	}
	if got, want := slices.Collect(s.All()), []uint32{0, 63, 64, MaxNr - 1}; !slices.Equal(got, want) {
		t.Errorf("All() = %v, want %v", got, want)
	}
	if got := s.Len(); got != 4 {
		t.Errorf("Len() = %d, want 4", got)
	}
	tests := map[string]struct {
		nr   uint32
		want bool
	}{
		"first":         {nr: 0, want: true},
		"last":          {nr: MaxNr - 1, want: true},
		"not added":     {nr: 1},
		"beyond MaxNr":  {nr: MaxNr},
		"x32 flag bit":  {nr: 1<<30 | 1},
		"highest value": {nr: 1<<32 - 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := s.Has(tt.nr); got != tt.want {
				t.Errorf("Has(%d) = %t, want %t", tt.nr, got, tt.want)
			}
		})
	}
	var other Set
	other.Add(1)
	if joined := s.Union(other); joined.Len() != 5 || !joined.Has(1) || s.Has(1) {
		t.Errorf("Union: %v", slices.Collect(joined.All()))
	}
}

func TestNumbers(t *testing.T) {
	tests := map[string]struct {
		arch, name string
		want       uint32
	}{
		"amd64":                     {"amd64", "openat", 257},
		"arm64":                     {"arm64", "openat", 56},
		"386":                       {"386", "openat", 295},
		"arm":                       {"arm", "openat", 322},
		"same name on the 64s":      {"arm64", "newfstatat", 79},
		"number zero":               {"amd64", "read", 0},
		"386 number zero":           {"386", "restart_syscall", 0},
		"leading underscore":        {"386", "_llseek", 140},
		"a new one, alike anywhere": {"arm", "mseal", 462},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := Number(tt.arch, tt.name)
			if !ok || got != tt.want {
				t.Errorf("Number(%s, %s) = %d, %t, want %d", tt.arch, tt.name, got, ok, tt.want)
			}
			if name, ok := Name(tt.arch, tt.want); !ok || name != tt.name {
				t.Errorf("Name(%s, %d) = %q, %t", tt.arch, tt.want, name, ok)
			}
		})
	}
	for _, missing := range [][2]string{{"arm64", "open"}, {"amd64", "nosuch"}, {"mips", "read"}, {"arm", "syscall_mask"}} {
		if nr, ok := Number(missing[0], missing[1]); ok {
			t.Errorf("Number(%s, %s) = %d", missing[0], missing[1], nr)
		}
	}
	for _, nr := range []uint32{400, MaxNr, 1 << 30} {
		if name, ok := Name("amd64", nr); ok {
			t.Errorf("Name(amd64, %d) = %q", nr, name)
		}
	}
}

func known(name string) bool {
	for arch := range tables {
		if _, ok := Number(arch, name); ok {
			return true
		}
	}
	return false
}

func TestFamilies(t *testing.T) {
	family := make(map[string]string)
	for _, members := range families {
		for _, name := range members {
			if !known(name) {
				t.Errorf("%s is in no table", name)
			}
			if other, ok := family[name]; ok {
				t.Errorf("%s is in the families %s and %s", name, other, members[0])
			}
			family[name] = members[0]
		}
	}
	tests := map[string]struct {
		a, b string
		want bool
	}{
		"older and newer form":      {"open", "openat2", true},
		"libc's choice":             {"fork", "clone3", true},
		"32-bit twin":               {"futex_time64", "futex", true},
		"parts of one interface":    {"epoll_create", "epoll_ctl", false},
		"reading and writing":       {"read", "write", false},
		"user and group":            {"setuid", "setgid", false},
		"permissions and ownership": {"chmod", "chown", false},
		"ptrace and reading memory": {"ptrace", "process_vm_readv", false},
		"entering and leaving":      {"setns", "unshare", false},
		"the two mount interfaces":  {"mount", "move_mount", true},
		"a process and a thread":    {"kill", "tgkill", false},
		"two ways to a thread":      {"tkill", "rt_tgsigqueueinfo", true},
		"setting and steering time": {"settimeofday", "adjtimex", false},
		"unknown names":             {"nosuch", "nosuch", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Family(tt.a) == Family(tt.b); got != tt.want {
				t.Errorf("%s and %s in one family: %t, want %t", tt.a, tt.b, got, tt.want)
			}
		})
	}
	if diff := cmp.Diff([]string{"dup", "dup2", "dup3"}, Members("dup")); diff != "" {
		t.Errorf("Members(dup) (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ptrace"}, Members("ptrace")); diff != "" {
		t.Errorf("Members(ptrace) (-want +got):\n%s", diff)
	}
}

func TestSeverity(t *testing.T) {
	for name := range severities {
		if !known(name) {
			t.Errorf("%s is in no table", name)
		}
	}
	for _, members := range families {
		for _, name := range members {
			if got, want := Severity(name), Severity(members[0]); got != want {
				t.Errorf("%s is %s, but %s of its family is %s", name, got, members[0], want)
			}
		}
	}
	tests := map[string]severity.Severity{
		"rseq":              severity.Low,
		"restart_syscall":   severity.Low,
		"rt_sigreturn":      severity.Low,
		"sched_yield":       severity.Low,
		"gettid":            severity.Low,
		"nosuch":            severity.Low,
		"tgkill":            severity.Low,
		"unlinkat":          severity.Low,
		"fchmodat2":         severity.Medium,
		"pidfd_send_signal": severity.Medium,
		"adjtimex":          severity.Medium,
		"settimeofday":      severity.High,
		"pivot_root":        severity.Critical,
		"socket":            severity.Medium,
		"setresuid32":       severity.Medium,
		"memfd_create":      severity.High,
		"io_uring_setup":    severity.High,
		"ptrace":            severity.Critical,
		"finit_module":      severity.Critical,
		"move_mount":        severity.Critical,
		"setns":             severity.Critical,
	}
	for name, want := range tests {
		if got := Severity(name); got != want {
			t.Errorf("Severity(%s) = %s, want %s", name, got, want)
		}
	}
}

// TestGenerated fails when the tables are not what gen.go makes of the version
// of golang.org/x/sys in go.mod.
func TestGenerated(t *testing.T) {
	fresh := filepath.Join(t.TempDir(), "zz_tables.go")
	if out, err := exec.Command("go", "run", "gen.go", "-o", fresh).CombinedOutput(); err != nil {
		t.Fatalf("go run gen.go: %v\n%s", err, out)
	}
	compareFiles(t, "zz_tables.go", fresh)
}

func compareFiles(t *testing.T, committed, fresh string) {
	t.Helper()
	want, err := os.ReadFile(fresh)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(committed)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is out of date; run go generate (-fresh +committed):\n%s", committed, diff)
	}
}
