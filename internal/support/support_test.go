package support

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/glob"
	"bobwatch/internal/sensitive"
	"bobwatch/internal/severity"
	"bobwatch/internal/syscalls"
)

// What an intruder gains by decides what may be a member.
func TestNothingDangerous(t *testing.T) {
	for _, s := range All() {
		for _, calls := range s.Calls {
			for _, name := range slices.Concat(calls.Names, calls.With) {
				_, native := syscalls.Number("amd64", name)
				_, compat := syscalls.Number("386", name)
				if !native && !compat {
					t.Errorf("%s: there is no call %s", s.ID(), name)
				}
			}
			for _, name := range calls.Names {
				for _, member := range syscalls.Members(syscalls.Family(name)) {
					if syscalls.Severity(member) > severity.Low && syscalls.Family(name) != "kill" {
						t.Errorf("%s allows %s, which is graded %v", s.ID(), member, syscalls.Severity(member))
					}
				}
				for _, forbidden := range []string{"ioctl", "truncate", "rename", "link", "symlink", "prlimit64", "prctl", "clone", "splice"} {
					if syscalls.Family(name) == syscalls.Family(forbidden) {
						t.Errorf("%s allows %s", s.ID(), forbidden)
					}
				}
			}
		}
	}
}

// Files that hold secrets or code, and those of other processes, are no members,
// whatever a pattern takes in.
func TestNoSensitiveFile(t *testing.T) {
	attacks := slices.Concat(sensitive.Examples(), []string{
		"/etc/passwd", "/etc/group", "/proc/1/environ", "/proc/1/cmdline", "/proc/1/maps", "/proc/1/mem", "/proc/1/root/etc/shadow",
		"/proc/1/fd/3", "/sys/fs/cgroup/a/release_agent", "/sys/fs/cgroup/cgroup.procs",
		"/usr/lib/x86_64-linux-gnu/libevil.so", "/usr/lib/x86_64-linux-gnu/gconv/EVIL.so", "/usr/lib/gconv/EVIL.so", "/etc/ld.so.preload",
		"/usr/lib/python3/dist-packages/evil.py", "/usr/local/lib/python3.11/site-packages/evil.pth", "/app/node_modules/evil/index.js",
		"/etc/ssl/private/key.pem", "/etc/kubernetes/pki/ca.key", "/tmp/x", "/etc/cron.d/x", "/root/.ssh/id_rsa",
	})
	for _, s := range All() {
		var b glob.PathsBuilder
		for _, path := range s.Opens {
			b.Add(path)
		}
		paths := b.Build()
		for _, attack := range attacks {
			paths.Match([]byte(attack), func(uint32) bool {
				t.Errorf("%s takes in %s", s.ID(), attack)
				return true
			})
		}
	}
}

// Comparing documents relies on this: what a set gives never makes another apply.
func TestMembersOpenNothingElse(t *testing.T) {
	members := make(map[string]string)
	for _, s := range All() {
		for _, calls := range s.Calls {
			for _, name := range calls.Names {
				members[syscalls.Family(name)] = s.ID()
			}
		}
	}
	for _, s := range All() {
		for _, calls := range s.Calls {
			for _, name := range calls.With {
				if id, ok := members[syscalls.Family(name)]; ok {
					t.Errorf("%s depends on %s, which %s gives", s.ID(), name, id)
				}
			}
		}
	}
}

func TestIDs(t *testing.T) {
	var ids []string
	seen := make(map[string]bool)
	for _, s := range All() {
		ids = append(ids, s.ID())
		if found, ok := Lookup(s.ID()); !ok || found != s || seen[s.ID()] || s.About == "" {
			t.Errorf("%s cannot be told from another, or says nothing of itself", s.ID())
		}
		seen[s.ID()] = true
	}
	if !slices.IsSorted(ids) {
		t.Errorf("%v are not sorted", ids)
	}
	if _, ok := Lookup("libc/999"); ok {
		t.Error("libc/999 is known")
	}
}

func TestObserved(t *testing.T) {
	tests := map[string]struct {
		calls, opens []string
		want         string
	}{
		"nothing":         {nil, []string{"/lib/libc.so.6"}, ""},
		"a static sleep":  {[]string{"nanosleep"}, nil, "kernel/1"},
		"glibc":           {[]string{"openat"}, []string{"/usr/lib/x86_64-linux-gnu/libc.so.6"}, "descriptors/1 kernel/1 libc/1"},
		"musl":            {[]string{"open"}, []string{"/lib/ld-musl-x86_64.so.1"}, "descriptors/1 kernel/1 libc/1"},
		"a Go server":     {[]string{"accept4", "openat"}, []string{"/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"}, "descriptors/1 go/1 kernel/1 sockets/1"},
		"java":            {[]string{"openat"}, []string{"/opt/java/lib/server/libjvm.so", "/lib/libc.so.6"}, "descriptors/1 jvm/1 kernel/1 libc/1"},
		"waits":           {[]string{"wait4", "timer_create"}, nil, "kernel/1 signals/1 timers/1"},
		"only looks like": {[]string{"read"}, []string{"/srv/libc.so.6.bak", "/srv/libjvm.so/x"}, "kernel/1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, strings.Join(Observed(tt.calls, tt.opens), " ")); diff != "" {
				t.Errorf("Observed (-want +got):\n%s", diff)
			}
		})
	}
}
