package syscalls

import "slices"

// families lists the calls that are one act under several names: older and
// newer forms, the choices of glibc and musl, 32-bit twins. The first name is
// the family's.
//
// A listed call allows its whole family, so acts of different danger must not
// be joined here: every member has the grade that severity.go gives it by
// itself. Parts of one interface
// (epoll_create and epoll_ctl, io_uring_setup and io_uring_enter) are not one
// act and stay apart.
var families = [][]string{
	// Files by name.
	{"open", "openat", "openat2", "creat"},
	{"stat", "lstat", "fstat", "newfstatat", "statx", "stat64", "lstat64", "fstat64", "fstatat64", "oldstat", "oldlstat", "oldfstat"},
	{"access", "faccessat", "faccessat2"},
	{"readlink", "readlinkat"},
	{"statfs", "fstatfs", "statfs64", "fstatfs64", "ustat"},
	{"chdir", "fchdir"},
	{"chmod", "fchmod", "fchmodat", "fchmodat2"},
	{"chown", "fchown", "lchown", "fchownat", "chown32", "fchown32", "lchown32"},
	{"utimensat", "utime", "utimes", "futimesat", "utimensat_time64"},
	{"truncate", "ftruncate", "truncate64", "ftruncate64"},
	{"mknod", "mknodat"},
	// Names in directories. A rename is a link and an unlink, and over an
	// existing file it removes that file: a process that may do one can do all.
	{"rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat"},
	// A second name for a file leads past rules that go by name, which a rename
	// does not: the old name is gone then, and missed.
	{"link", "linkat"},
	{"symlink", "symlinkat"},
	{"getdents64", "getdents", "readdir"},
	{"getxattr", "lgetxattr", "fgetxattr", "getxattrat"},
	{"listxattr", "llistxattr", "flistxattr", "listxattrat"},
	{"setxattr", "lsetxattr", "fsetxattr", "setxattrat"},
	{"removexattr", "lremovexattr", "fremovexattr", "removexattrat"},
	{"inotify_init", "inotify_init1"},
	{"quotactl", "quotactl_fd"},
	// The mount table. libmount 2.39 replaced mount by fsopen, fsmount and
	// move_mount; a runtime chooses between pivot_root and a moved mount.
	{"mount", "umount", "umount2", "pivot_root", "fsopen", "fsconfig", "fsmount", "fspick", "move_mount", "open_tree", "open_tree_attr", "mount_setattr"},

	// Descriptors. musl's stdio writes with writev where glibc's uses write.
	{"read", "readv", "pread64", "preadv", "preadv2"},
	{"write", "writev", "pwrite64", "pwritev", "pwritev2"},
	{"lseek", "_llseek"},
	{"fcntl", "fcntl64"},
	{"close", "close_range"},
	{"dup", "dup2", "dup3"},
	{"pipe", "pipe2"},
	{"fsync", "fdatasync"},
	{"sync", "syncfs"},
	{"sync_file_range", "arm_sync_file_range"},
	{"fadvise64", "fadvise64_64", "arm_fadvise64_64"},
	{"sendfile", "sendfile64", "copy_file_range"},
	{"eventfd", "eventfd2"},
	{"signalfd", "signalfd4"},
	{"poll", "ppoll", "ppoll_time64"},
	{"select", "_newselect", "pselect6", "pselect6_time64"},
	{"epoll_create", "epoll_create1"},
	{"epoll_ctl", "epoll_ctl_old"},
	{"epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_wait_old"},
	{"io_getevents", "io_pgetevents", "io_pgetevents_time64"},

	// Sockets. Resolvers differ: glibc asks with sendmmsg, musl with sendto.
	{"accept", "accept4"},
	{"send", "sendto", "sendmsg", "sendmmsg"},
	{"recv", "recvfrom", "recvmsg", "recvmmsg", "recvmmsg_time64"},

	// Memory.
	{"mmap", "mmap2"},
	{"mprotect", "pkey_mprotect"},
	{"mlock", "mlock2"},

	// Processes and threads.
	{"clone", "clone3", "fork", "vfork"},
	{"execve", "execveat"},
	{"exit", "exit_group"},
	{"wait4", "waitid", "waitpid"},
	// Signals to other processes, and to threads, mostly one's own: raise,
	// abort and the preemption of Go.
	{"kill", "rt_sigqueueinfo", "pidfd_send_signal"},
	{"tkill", "tgkill", "rt_tgsigqueueinfo"},
	{"futex", "futex_time64", "futex_wait", "futex_waitv", "futex_wake", "futex_requeue"},
	{"rt_sigaction", "sigaction", "signal"},
	{"rt_sigprocmask", "sigprocmask", "sgetmask", "ssetmask"},
	{"rt_sigpending", "sigpending"},
	{"rt_sigsuspend", "sigsuspend"},
	{"rt_sigreturn", "sigreturn"},
	{"rt_sigtimedwait", "rt_sigtimedwait_time64"},
	{"getpgrp", "getpgid"},
	{"getrlimit", "ugetrlimit", "setrlimit", "prlimit64"},
	{"sched_setscheduler", "sched_setparam", "sched_setattr"},
	{"sched_getscheduler", "sched_getparam", "sched_getattr"},
	{"sched_rr_get_interval", "sched_rr_get_interval_time64"},
	{"setpriority", "nice"},
	{"uname", "olduname", "oldolduname"},

	// Identities.
	{"getuid", "getuid32"},
	{"geteuid", "geteuid32"},
	{"getgid", "getgid32"},
	{"getegid", "getegid32"},
	{"getgroups", "getgroups32"},
	{"getresuid", "getresuid32"},
	{"getresgid", "getresgid32"},
	{"setuid", "setreuid", "setresuid", "setfsuid", "setuid32", "setreuid32", "setresuid32", "setfsuid32"},
	{"setgid", "setregid", "setresgid", "setfsgid", "setgid32", "setregid32", "setresgid32", "setfsgid32"},
	{"setgroups", "setgroups32"},

	// Time.
	{"clock_gettime", "clock_gettime64", "gettimeofday", "time", "ftime"},
	{"clock_getres", "clock_getres_time64"},
	{"clock_settime", "clock_settime64", "settimeofday", "stime"},
	{"adjtimex", "clock_adjtime", "clock_adjtime64"}, // may only read
	{"nanosleep", "clock_nanosleep", "clock_nanosleep_time64"},
	{"setitimer", "alarm"},
	{"timer_gettime", "timer_gettime64"},
	{"timer_settime", "timer_settime64"},
	{"timerfd_gettime", "timerfd_gettime64"},
	{"timerfd_settime", "timerfd_settime64"},

	// Message queues and semaphores.
	{"mq_timedsend", "mq_timedsend_time64"},
	{"mq_timedreceive", "mq_timedreceive_time64"},
	{"semop", "semtimedop", "semtimedop_time64"},

	// The kernel itself.
	{"init_module", "finit_module", "create_module"},
	{"kexec_load", "kexec_file_load"},
	{"iopl", "ioperm"},
	{"swapon", "swapoff"},
}

var familyOf = indexFamilies()

func indexFamilies() map[string][]string {
	index := make(map[string][]string)
	for _, members := range families {
		for _, name := range members {
			index[name] = members
		}
	}
	return index
}

// Family returns the name under which the call and its equivalents are known,
// which is name itself for a call without equivalents.
func Family(name string) string {
	if members := familyOf[name]; members != nil {
		return members[0]
	}
	return name
}

// Members returns the calls of a family, itself first. A name that is in no
// family is its own only member.
func Members(family string) []string {
	if members := familyOf[family]; members != nil {
		return slices.Clone(members)
	}
	return []string{family}
}
