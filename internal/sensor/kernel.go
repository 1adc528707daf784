package sensor

import (
	"errors"
	"fmt"
	"os"

	"kernel.org/pub/linux/libs/security/libcap/cap"

	"bobwatch/internal/host"
)

// ErrUnsupported is wrapped by the errors of Open that no retry mends: the
// kernel or the agent's privileges lack something.
var ErrUnsupported = errors.New("unsupported")

// The oldest kernel that has all that is needed: bpf_task_pt_regs.
const oldestMajor, oldestMinor = 5, 15

const kernelBTF = "/sys/kernel/btf/vmlinux"

// checkKernel returns an error that names the missing kernel features in one sentence.
func checkKernel() error {
	release := host.KernelRelease()
	major, minor, err := parseRelease(release)
	if err != nil {
		return err
	}
	if !supported(major, minor) {
		return fmt.Errorf("kernel %s is too old: %d.%d or later is needed: %w",
			release, oldestMajor, oldestMinor, ErrUnsupported)
	}
	if _, err := os.Stat(kernelBTF); err != nil {
		return fmt.Errorf("kernel %s has no BTF (%s is missing): one built with CONFIG_DEBUG_INFO_BTF=y is needed: %w",
			release, kernelBTF, ErrUnsupported)
	}
	return checkCapabilities()
}

func supported(major, minor int) bool {
	return major > oldestMajor || major == oldestMajor && minor >= oldestMinor
}

func checkCapabilities() error {
	process := cap.GetProc()
	has := func(v cap.Value) bool {
		ok, err := process.GetFlag(cap.Effective, v)
		return err == nil && ok
	}
	if has(cap.SYS_ADMIN) {
		return nil
	}
	for _, v := range []cap.Value{cap.BPF, cap.PERFMON} {
		if !has(v) {
			return fmt.Errorf("capability %s is missing: run as root, or grant %s and %s: %w",
				v, cap.BPF, cap.PERFMON, ErrUnsupported)
		}
	}
	return nil
}

// parseRelease reads a release such as 6.1.0-44-cloud-amd64.
func parseRelease(release string) (major, minor int, err error) {
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil {
		return 0, 0, fmt.Errorf("parse kernel version %q: %w", release, err)
	}
	return major, minor, nil
}
