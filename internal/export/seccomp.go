package export

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"bobwatch/internal/profile"
	"bobwatch/internal/syscalls"

	"github.com/goccy/go-yaml"
)

// SeccompOptions choose the calls that a seccomp profile allows beyond the recorded ones.
type SeccompOptions struct {
	// Arch is the GOARCH name of the nodes. Empty means every architecture
	// the document has calls for; each then allows the calls of all of them,
	// because a seccomp profile has one list of names.
	Arch string
	// Families adds the calls that are the same act under another name, which
	// another libc or kernel makes instead.
	Families bool
	// Runtime adds the calls that the container runtime itself makes between
	// installing the filter and starting the workload.
	Runtime bool
}

// runtimeCalls are the calls runc's init makes under the filter it has just
// installed. The first group was seen with runc 1.1 for containers with and
// without noNewPrivileges; without it, runc installs the filter before it
// changes user and capabilities. The second is made by newer releases, the
// third by the Go runtime whenever it sees fit.
var runtimeCalls = []string{
	"capget", "capset", "chdir", "close", "epoll_ctl", "execve", "faccessat2", "fcntl", "fstat", "fstatfs", "futex",
	"getcwd", "getdents64", "getpid", "getppid", "newfstatat", "openat", "prctl", "read", "rt_sigreturn",
	"setgid", "setgroups", "setuid", "write",

	"close_range", "faccessat", "openat2", "readlinkat", "statx",

	"clone", "clone3", "epoll_pwait", "exit", "exit_group", "getrandom", "gettid", "madvise", "mmap", "mprotect", "munmap", "nanosleep",
	"rt_sigaction", "rt_sigprocmask", "sched_yield", "sigaltstack", "tgkill",
}

// seccompArch names architectures as libseccomp does.
var seccompArch = map[string]string{
	"amd64": "SCMP_ARCH_X86_64",
	"386":   "SCMP_ARCH_X86",
	"arm64": "SCMP_ARCH_AARCH64",
	"arm":   "SCMP_ARCH_ARM",
}

// seccompSpec is linux.seccomp of the OCI runtime specification, which the
// operator's SeccompProfile took over.
type seccompSpec struct {
	DefaultAction string        `json:"defaultAction"`
	Architectures []string      `json:"architectures"`
	Syscalls      []seccompRule `json:"syscalls"`
}

type seccompRule struct {
	Names  []string `json:"names"`
	Action string   `json:"action"`
}

// Seccomp returns the seccomp profile of a container as JSON, for runc,
// containerd, docker and the kubelet's localhostProfile. A call that is not
// allowed fails with EPERM; runc makes calls newer than all those listed fail
// with ENOSYS. 32-bit calls are refused altogether unless the document has
// some.
func Seccomp(p *profile.Profile, name string, o SeccompOptions) ([]byte, error) {
	_, spec, err := seccomp(p, name, o)
	if err != nil {
		return nil, fmt.Errorf("export seccomp profile of %s: %w", p.Metadata.Name, err)
	}
	text, err := json.MarshalIndent(spec, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("export seccomp profile of %s: %w", p.Metadata.Name, err)
	}
	return append(text, '\n'), nil
}

// SeccompProfile returns the same as an object of the Security Profiles
// Operator, in YAML. The runtime's own calls are added whatever o says: the
// operator's nodes have no other place for them.
func SeccompProfile(p *profile.Profile, name string, o SeccompOptions) ([]byte, error) {
	o.Runtime = true
	c, spec, err := seccomp(p, name, o)
	if err != nil {
		return nil, fmt.Errorf("export SeccompProfile of %s: %w", p.Metadata.Name, err)
	}
	metadata := map[string]string{"name": objectName(p, &c)}
	if p.Spec.Workload.Namespace != "" {
		metadata["namespace"] = p.Spec.Workload.Namespace
	}
	text, err := yaml.Marshal(yaml.MapSlice{
		{Key: "apiVersion", Value: "security-profiles-operator.x-k8s.io/v1beta1"},
		{Key: "kind", Value: "SeccompProfile"},
		{Key: "metadata", Value: metadata},
		{Key: "spec", Value: spec},
	})
	if err != nil {
		return nil, fmt.Errorf("export SeccompProfile of %s: %w", p.Metadata.Name, err)
	}
	return text, nil
}

func seccomp(p *profile.Profile, name string, o SeccompOptions) (profile.Container, *seccompSpec, error) {
	c, err := container(p, name)
	if err != nil {
		return c, nil, err
	}
	if err := speaks(p, &c, profile.SenseSyscalls); err != nil {
		return c, nil, err
	}
	architectures := slices.Sorted(maps.Keys(c.Syscalls))
	if o.Arch != "" {
		architectures = slices.DeleteFunc(architectures, func(arch string) bool {
			return arch != o.Arch && arch != syscalls.Compat(o.Arch)
		})
	}
	if len(architectures) == 0 {
		return c, nil, fmt.Errorf("container %q: no system calls recorded; every one would be refused", c.Name)
	}
	allowed := make(map[string]bool)
	spec := &seccompSpec{DefaultAction: "SCMP_ACT_ERRNO"}
	for _, arch := range architectures {
		scmp, ok := seccompArch[arch]
		if !ok {
			return c, nil, fmt.Errorf("container %q: architecture %q is not known to seccomp", c.Name, arch)
		}
		spec.Architectures = append(spec.Architectures, scmp)
		addCalls(allowed, arch, c.Syscalls[arch], o)
	}
	spec.Syscalls = []seccompRule{{Names: slices.Sorted(maps.Keys(allowed)), Action: "SCMP_ACT_ALLOW"}}
	return c, spec, nil
}

// addCalls adds the calls names of one architecture.
func addCalls(allowed map[string]bool, arch string, names []string, o SeccompOptions) {
	for _, name := range names {
		allowed[name] = true
		if !o.Families {
			continue
		}
		for _, member := range syscalls.Members(syscalls.Family(name)) {
			addKnown(allowed, arch, member)
		}
	}
	if o.Runtime && syscalls.Compat(arch) != "" {
		for _, name := range runtimeCalls {
			addKnown(allowed, arch, name)
		}
	}
}

// addKnown adds a call that arch has.
func addKnown(allowed map[string]bool, arch, name string) {
	if _, ok := syscalls.Number(arch, name); ok {
		allowed[name] = true
	}
}
