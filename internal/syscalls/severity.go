package syscalls

import "bobwatch/internal/severity"

// severities grades families; what is missing here is Low. The yardstick is
// what a call that a workload never made before says about an intrusion:
//
//   - Low: says nothing. Which of these are made depends on libc, kernel and
//     timing (rseq, getrandom, sched_yield, membarrier, gettid), and
//     restart_syscall and rt_sigreturn are the kernel's own doing.
//   - Medium: ordinary for many programs, but a change of habit.
//   - High: hardly any server needs it; prepares an escape or hides code.
//   - Critical: reaches into other processes, the kernel or the host.
var severities = map[string]severity.Severity{
	"bind":              severity.Medium,
	"capset":            severity.Medium,
	"chmod":             severity.Medium,
	"chown":             severity.Medium,
	"connect":           severity.Medium,
	"execve":            severity.Medium,
	"fanotify_mark":     severity.Medium,
	"file_setattr":      severity.Medium,
	"kill":              severity.Medium,
	"listen":            severity.Medium,
	"listmount":         severity.Medium,
	"listns":            severity.Medium,
	"lsm_set_self_attr": severity.Medium,
	"migrate_pages":     severity.Medium,
	"mknod":             severity.Medium,
	"move_pages":        severity.Medium,
	"name_to_handle_at": severity.Medium,
	"process_mrelease":  severity.Medium,
	"remap_file_pages":  severity.Medium,
	"removexattr":       severity.Medium,
	"setgid":            severity.Medium,
	"setgroups":         severity.Medium,
	"setuid":            severity.Medium,
	"setxattr":          severity.Medium,
	"socket":            severity.Medium,
	"socketcall":        severity.Medium,
	"statmount":         severity.Medium,
	"syslog":            severity.Medium,
	"vmsplice":          severity.Medium,
	"_sysctl":           severity.Medium,

	"acct":              severity.High,
	"add_key":           severity.High,
	"chroot":            severity.High,
	"clock_settime":     severity.High,
	"fanotify_init":     severity.High,
	"io_uring_enter":    severity.High,
	"io_uring_register": severity.High,
	"io_uring_setup":    severity.High,
	"kcmp":              severity.High,
	"keyctl":            severity.High,
	"lookup_dcookie":    severity.High,
	"memfd_create":      severity.High,
	"modify_ldt":        severity.High,
	"perf_event_open":   severity.High,
	"personality":       severity.High,
	"process_madvise":   severity.High,
	"quotactl":          severity.High,
	"request_key":       severity.High,
	"setdomainname":     severity.High,
	"sethostname":       severity.High,
	"swapon":            severity.High,
	"uselib":            severity.High,
	"userfaultfd":       severity.High,
	"vhangup":           severity.High,
	"vm86":              severity.High,
	"vm86old":           severity.High,

	"bpf":               severity.Critical,
	"delete_module":     severity.Critical,
	"init_module":       severity.Critical,
	"iopl":              severity.Critical,
	"kexec_load":        severity.Critical,
	"mount":             severity.Critical,
	"open_by_handle_at": severity.Critical,
	"pciconfig_iobase":  severity.Critical,
	"pciconfig_read":    severity.Critical,
	"pciconfig_write":   severity.Critical,
	"pidfd_getfd":       severity.Critical,
	"process_vm_readv":  severity.Critical,
	"process_vm_writev": severity.Critical,
	"ptrace":            severity.Critical,
	"reboot":            severity.Critical,
	"setns":             severity.Critical,
	"unshare":           severity.Critical,
}

// Severity grades an unexpected call of name. All members of a family share
// one grade; a name nobody graded is Low.
func Severity(name string) severity.Severity {
	return severities[Family(name)]
}
