package export

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bobwatch/internal/profile"
	"bobwatch/internal/syscalls"
	"bobwatch/internal/testenv"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

func calls(byArch map[string][]string) *profile.Profile {
	return &profile.Profile{
		Metadata: profile.Metadata{Name: "webapp"},
		Spec: profile.Spec{
			Workload:   profile.Workload{Namespace: "shop"},
			Containers: []profile.Container{{Name: "web", Syscalls: byArch}},
		},
	}
}

// A program under the exported filter may be stopped, continued and resumed.
func TestSeccompOfSupport(t *testing.T) {
	p := calls(map[string][]string{"amd64": {"openat", "nanosleep"}})
	p.Spec.Containers[0].Support = []string{"descriptors/1", "kernel/1", "sockets/1"}
	text, err := Seccomp(p, "web", SeccompOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"restart_syscall": true, "rt_sigreturn": true, "poll": true, "fallocate": true, "getsockopt": false, "kill": false, "ptrace": false} {
		if got := strings.Contains(string(text), `"`+name+`"`); got != want {
			t.Errorf("%s is allowed: %t, want %t", name, got, want)
		}
	}
}

// A document that does not speak for a section says nothing of what an export would
// refuse.
func TestExportOfUnspoken(t *testing.T) {
	p := calls(map[string][]string{"amd64": {"read"}})
	p.Spec.Senses = []profile.Sense{profile.SenseOpens}
	if text, err := Seccomp(p, "web", SeccompOptions{}); err == nil || !strings.Contains(err.Error(), "does not speak for syscalls") {
		t.Errorf("Seccomp: %s, %v", text, err)
	}
	if text, err := AppArmor(p, "web"); err == nil || !strings.Contains(err.Error(), "does not speak for execs") {
		t.Errorf("AppArmor: %s, %v", text, err)
	}
}

func TestSeccomp(t *testing.T) {
	tests := map[string]struct {
		calls         map[string][]string
		options       SeccompOptions
		architectures []string
		names         []string
	}{
		"sorted": {
			calls:         map[string][]string{"amd64": {"write", "read"}},
			architectures: []string{"SCMP_ARCH_X86_64"},
			names:         []string{"read", "write"},
		},
		"32-bit calls only where there are some": {
			calls:         map[string][]string{"amd64": {"read"}, "386": {"waitpid"}},
			architectures: []string{"SCMP_ARCH_X86", "SCMP_ARCH_X86_64"},
			names:         []string{"read", "waitpid"},
		},
		"one architecture": {
			calls:         map[string][]string{"amd64": {"open"}, "arm64": {"openat"}, "arm": {"open"}},
			options:       SeccompOptions{Arch: "arm64"},
			architectures: []string{"SCMP_ARCH_ARM", "SCMP_ARCH_AARCH64"},
			names:         []string{"open", "openat"},
		},
		"families": {
			calls:         map[string][]string{"arm64": {"dup", "read"}},
			options:       SeccompOptions{Families: true},
			architectures: []string{"SCMP_ARCH_AARCH64"},
			names:         []string{"dup", "dup3", "pread64", "preadv", "preadv2", "read", "readv"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			text, err := Seccomp(calls(tt.calls), "web", tt.options)
			if err != nil {
				t.Fatal(err)
			}
			want := seccompSpec{
				DefaultAction: "SCMP_ACT_ERRNO",
				Architectures: tt.architectures,
				Syscalls:      []seccompRule{{Names: tt.names, Action: "SCMP_ACT_ALLOW"}},
			}
			var got seccompSpec
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestSeccompWithoutCalls(t *testing.T) {
	for name, p := range map[string]*profile.Profile{
		"none at all":        calls(nil),
		"other architecture": calls(map[string][]string{"arm64": {"read"}}),
		"unknown":            calls(map[string][]string{"s390x": {"read"}}),
	} {
		if text, err := Seccomp(p, "web", SeccompOptions{Arch: "amd64"}); err == nil {
			t.Errorf("%s: got %s, want an error", name, text)
		}
	}
}

// Every runtime call has to exist: a slip of the pen would allow nothing.
func TestRuntimeCallsExist(t *testing.T) {
	for _, name := range runtimeCalls {
		if _, ok := syscalls.Number("amd64", name); !ok {
			t.Errorf("%q is no system call", name)
		}
	}
}

func TestSeccompProfileObject(t *testing.T) {
	text, err := SeccompProfile(calls(map[string][]string{"amd64": {"read"}}), "", SeccompOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		APIVersion string            `yaml:"apiVersion"`
		Kind       string            `yaml:"kind"`
		Metadata   map[string]string `yaml:"metadata"`
		Spec       seccompSpec       `yaml:"spec"`
	}
	if err := yaml.UnmarshalWithOptions(text, &got, yaml.Strict()); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if got.Kind != "SeccompProfile" || got.Metadata["name"] != "webapp-web" || got.Metadata["namespace"] != "shop" {
		t.Errorf("got %s %v", got.Kind, got.Metadata)
	}
	if rule := got.Spec.Syscalls[0]; !slices.Contains(rule.Names, "read") || !slices.Contains(rule.Names, "execve") {
		t.Errorf("names %v lack the workload's calls or the runtime's", rule.Names)
	}
}

// busyboxCalls are those of a shell that echoes, without those the runtime
// makes anyway. mkdir is missing.
var busyboxCalls = []string{
	"arch_prctl", "brk", "exit_group", "getcwd", "getgid", "getuid", "geteuid", "ioctl", "prlimit64", "readlink", "rseq",
	"rt_sigaction", "rt_sigprocmask", "set_robust_list", "set_tid_address", "uname", "vfork", "wait4", "write",
}

// TestSeccompInRunc runs a real container under an exported profile: the
// workload does what its document allows, and nothing else.
func TestSeccompInRunc(t *testing.T) {
	testenv.Root(t)
	runc := testenv.Command(t, "runc")
	for _, noNewPrivileges := range []bool{false, true} {
		t.Run(fmt.Sprintf("noNewPrivileges %t", noNewPrivileges), func(t *testing.T) {
			text, err := Seccomp(calls(map[string][]string{"amd64": busyboxCalls}), "", SeccompOptions{Runtime: true})
			if err != nil {
				t.Fatal(err)
			}
			bundle := makeBundle(t, runc, text, noNewPrivileges)
			out := runBundle(t, runc, bundle)
			if !strings.Contains(out, "before\n") || !strings.Contains(out, "after\n") {
				t.Errorf("the workload did not run:\n%s", out)
			}
			if !strings.Contains(out, "mkdir: can't create directory '/dev/shm/x': Operation not permitted") {
				t.Errorf("mkdir was not refused with EPERM:\n%s", out)
			}
		})
	}
}

// makeBundle returns an OCI bundle of a busybox shell under a filter.
func makeBundle(t *testing.T, runc string, seccomp []byte, noNewPrivileges bool) string {
	t.Helper()
	bundle := t.TempDir()
	shell, err := os.ReadFile(testenv.Command(t, "busybox"))
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(bundle, "rootfs", "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "busybox"), shell, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(runc, "spec", "--bundle", bundle).CombinedOutput(); err != nil {
		t.Fatalf("runc spec: %v\n%s", err, out)
	}
	config := filepath.Join(bundle, "config.json")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	var spec map[string]any
	if err := json.Unmarshal(text, &spec); err != nil {
		t.Fatal(err)
	}
	process := spec["process"].(map[string]any)
	process["terminal"] = false
	process["noNewPrivileges"] = noNewPrivileges
	process["args"] = []string{"/bin/busybox", "sh", "-c", "echo before; mkdir /dev/shm/x; echo after"}
	spec["linux"].(map[string]any)["seccomp"] = json.RawMessage(seccomp)
	text, err = json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return bundle
}

// runBundle runs a container to its end and returns what it printed.
func runBundle(t *testing.T, runc, bundle string) string {
	t.Helper()
	root := t.TempDir()
	id := fmt.Sprintf("bobwatch-export-%d", os.Getpid())
	cmd := exec.Command(runc, "--root", root, "run", "--bundle", bundle, id)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("runc run: %v", err)
	}
	t.Cleanup(func() {
		_ = exec.Command(runc, "--root", root, "delete", "--force", id).Run()
	})
	return string(out)
}
