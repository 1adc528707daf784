package support

import "slices"

// sets are never edited once they were released: a change is a new version, and
// the old one stays, because documents name it.
var sets = []*Set{
	{
		Name: "descriptors", Version: 1,
		About: "what a program that opens files does with descriptors it has",
		Calls: []Calls{{
			With: []string{"open", "openat", "openat2"},
			Names: []string{
				"poll", "select", "epoll_create", "epoll_ctl", "epoll_wait", "eventfd", // to wait for them
				"lseek", "read", "write", "fstat", "statfs", "access", "readlink", "getcwd", "getdents64", "close", "dup", "fcntl",
				"fsync", "sync_file_range", "fadvise64", "fallocate", "flock", "readahead", "sendfile",
			},
		}},
	},
	{
		Name: "go", Version: 1,
		About: "what the runtime and the standard library of Go do when they like",
		shown: []string{"hpage_pmd_size"},
		Calls: []Calls{{Names: slices.Concat(runtimeCalls, []string{"epoll_create", "epoll_ctl", "epoll_wait", "eventfd", "pipe"})}},
		Opens: slices.Concat(resolverFiles, zoneFiles, processFiles, cgroupFiles, []string{
			"/sys/kernel/mm/transparent_hugepage/hpage_pmd_size",
			"/etc/mime.types", "/etc/apache2/mime.types", "/etc/apache/mime.types", "/etc/httpd/conf/mime.types",
			"/usr/share/mime/globs2", "/usr/local/share/mime/globs2",
			"/etc/ssl/certs", "/etc/ssl/certs/⋯", "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem",
			"/etc/pki/tls/cacert.pem", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
			"/usr/share/ca-certificates/*",
		}),
	},
	{
		Name: "jvm", Version: 1,
		About: "what a Java virtual machine does to learn about its machine and its memory",
		shown: []string{"libjvm.so"},
		Calls: []Calls{{Names: slices.Concat(runtimeCalls, []string{"msync", "mincore", "getrusage", "times", "sysinfo"})}},
		Opens: slices.Concat(resolverFiles, zoneFiles, processFiles, cgroupFiles),
	},
	{
		Name: "kernel", Version: 1,
		About: "calls that the kernel makes in the name of a program, or that end one",
		Calls: []Calls{{Names: []string{"restart_syscall", "rt_sigreturn", "exit", "exit_group"}}},
	},
	{
		Name: "libc", Version: 1,
		About: "what glibc and musl do by themselves, and the files that they read",
		shown: []string{"libc.so.6", "libc.musl-*", "ld-musl-*"},
		Calls: []Calls{{Names: slices.Concat(runtimeCalls, []string{"uname", "sysinfo", "getrusage", "times"})}},
		Opens: slices.Concat(resolverFiles, zoneFiles, processFiles, []string{
			"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom",
			"/tmp", "/var/tmp", // the directories, to see whether they are there
			"/etc/ld.so.cache", "/etc/locale.alias", "/usr/share/locale/*", "/usr/lib/locale/*",
			// The lists of converters, not the converters, which are code.
			"/usr/lib/gconv/gconv-modules", "/usr/lib/gconv/gconv-modules.cache", "/usr/lib/gconv/gconv-modules.d/⋯",
			"/usr/lib/⋯/gconv/gconv-modules", "/usr/lib/⋯/gconv/gconv-modules.cache", "/usr/lib/⋯/gconv/gconv-modules.d/⋯",
			"/etc/terminfo/⋯/⋯", "/usr/lib/terminfo/⋯/⋯", "/usr/share/terminfo/⋯/⋯",
		}),
	},
	{
		Name: "signals", Version: 1,
		About: "signals of a program to the children it waits for, and waiting for its own",
		Calls: []Calls{{
			With: []string{"wait4", "waitid", "waitpid"},
			Names: []string{
				"kill", // reaches the processes of its own PID namespace
				"getpgrp", "getpgid", "getsid", "pause", "rt_sigpending", "rt_sigsuspend", "rt_sigtimedwait", "signalfd",
			},
		}},
	},
	{
		Name: "sockets", Version: 1,
		About: "what a program that has sockets does with them",
		Calls: []Calls{{
			With: []string{"socket", "accept", "accept4"},
			Names: []string{
				"getsockname", "getpeername", "getsockopt", "setsockopt", "shutdown",
				"sendto", "recvfrom", // what write and read do to a socket
				"poll", "select",
			},
		}},
	},
	{
		Name: "timers", Version: 1,
		About: "the other timers of a program that has one",
		Calls: []Calls{{
			With: []string{"timer_create", "timerfd_create", "setitimer", "alarm"},
			Names: []string{
				"getitimer", "timer_settime", "timer_gettime", "timer_getoverrun", "timer_delete",
				"timerfd_settime", "timerfd_gettime",
			},
		}},
	},
}

// runtimeCalls are made by every runtime with threads and memory of its own.
var runtimeCalls = []string{
	"brk", "mmap", "munmap", "mremap", "madvise", "mprotect", // its own memory; what is executable is mapped from a file that was opened
	"futex", "get_robust_list", "set_robust_list", "set_tid_address", "rseq", "membarrier",
	"clock_gettime", "clock_getres", "nanosleep", "sched_yield", "sched_getaffinity", "getcpu",
	"rt_sigaction", "rt_sigprocmask", "sigaltstack", "tgkill",
	"getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getrandom",
}

// resolverFiles say how names become addresses, users and services. The list of
// users itself is none: an intruder reads it too.
var resolverFiles = []string{
	"/etc/nsswitch.conf", "/etc/host.conf", "/etc/resolv.conf", "/etc/hosts", "/etc/gai.conf",
	"/etc/services", "/etc/protocols", "/etc/networks", "/etc/hostname",
}

// zoneFiles tell the time of every place.
var zoneFiles = []string{"/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo", "/usr/share/zoneinfo/*"}

// processFiles count the machine's processors and memory, and the share of them that a
// process uses. None shows memory, environment or arguments of a process.
var processFiles = []string{
	"/proc/stat", "/proc/meminfo", "/proc/cpuinfo", "/proc/loadavg", "/proc/uptime", "/proc/filesystems", "/proc/version",
	"/proc/⋯/stat", "/proc/⋯/statm", "/proc/⋯/status", "/proc/⋯/limits", "/proc/⋯/fd",
	"/proc/sys/vm/overcommit_memory", "/proc/sys/vm/max_map_count", "/proc/sys/kernel/osrelease", "/proc/sys/kernel/pid_max",
	"/proc/sys/kernel/ngroups_max", "/proc/sys/kernel/cap_last_cap", "/proc/sys/net/core/somaxconn",
	"/sys/devices/system/cpu", "/sys/devices/system/cpu/online", "/sys/devices/system/cpu/possible",
	"/sys/kernel/mm/transparent_hugepage/enabled",
}

// cgroupFiles tell a runtime how much of the machine it may use.
var cgroupFiles = slices.Concat([]string{"/proc/⋯/cgroup", "/proc/⋯/mountinfo", "/proc/cgroups"}, inCgroups(
	"cgroup.controllers", "cpu.max", "cpu.weight", "cpu.stat", "cpuset.cpus", "cpuset.cpus.effective", "cpuset.mems", "cpuset.mems.effective",
	"memory.max", "memory.high", "memory.low", "memory.current", "memory.stat", "memory.swap.max", "memory.swap.current", "pids.max", "pids.current",
))

func inCgroups(names ...string) (paths []string) {
	for _, name := range names {
		paths = append(paths, "/sys/fs/cgroup/"+name, "/sys/fs/cgroup/*/"+name)
	}
	return paths
}
