package judge

import (
	"fmt"

	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/severity"
	"bobwatch/internal/syscalls"
)

// runtimeCalls are the dangerous system calls that OCI runtimes need to set up
// a container or to enter one. Seen with runc 1.1 and 1.4 and crun 1.8, on
// cgroup v1 and v2.
var runtimeCalls = []string{
	"add_key", "bpf", "capset", "chroot", "clone", "clone3", "execve", "execveat",
	"fsconfig", "fsmount", "fsopen", "fspick", "keyctl", "memfd_create", "mount", "mount_setattr",
	"move_mount", "open_tree", "open_tree_attr", "personality", "pidfd_getfd", "pidfd_open", "pivot_root",
	"prctl", "request_key", "seccomp", "setdomainname", "sethostname", "setns", "umount2", "unshare",
}

// runtimeMatcher allows the acts of container runtimes inside of a container's cgroup:
// everything that is not dangerous, and the dangerous calls that they need. All other
// calls (kernel modules, ptrace, kexec and similar) are an attack on, or through, the
// runtime.
func runtimeMatcher(arch string) (*match.Matcher, error) {
	allowed := map[string][]string{arch: runtimeCalls}
	for nr := range uint32(syscalls.MaxNr) {
		name, ok := syscalls.Name(arch, nr)
		if ok && syscalls.Severity(name) < severity.High {
			allowed[arch] = append(allowed[arch], name)
		}
	}
	m, err := match.Compile([]profile.Container{{Syscalls: allowed}}, match.Options{Arch: arch})
	if err != nil {
		return nil, fmt.Errorf("compile profile of runtimes: %w", err)
	}
	return m, nil
}
