package report

import (
	"path"
	"slices"
	"strings"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/severity"
	"bobwatch/internal/syscalls"
)

// The known differences between platforms.
const (
	platformKernel  = "kernel"
	platformLibc    = "C library"
	platformTiming  = "timing"
	platformMachine = "machine"
	platformLibrary = "library"
	platformRuntime = "container runtime"
)

// differences explains the names.
var differences = map[string]string{
	platformKernel:  "Depends on the kernel: it makes the call by itself, or libraries use it where it is there.",
	platformLibc:    "Depends on the C library (glibc, musl) and its release: how it starts, allocates memory and resolves names.",
	platformTiming:  "Depends on load and timing: programs and language runtimes make it only now and then.",
	platformMachine: "Depends on processors, memory and limits, which programs ask for to size themselves.",
	platformLibrary: "Looks like another release, place or architecture of a library that the document lists.",
	platformRuntime: "Container runtimes do this while they start a container. bobwatch tells their steps apart; other tools record them.",
}

// platformCalls are families of system calls by the difference they make. All
// are harmless by themselves (severity.Low); a test holds that.
//
// Of 123 profiles that Kubescape learned of one redis chart on k3s, kind and
// minikube, only gettid, sched_yield, tkill and pidfd_open still differed after families
// were joined and the runtime's steps left out.
var platformCalls = map[string]string{
	"restart_syscall": platformKernel,
	"rt_sigreturn":    platformKernel,
	"rseq":            platformKernel,
	"pidfd_open":      platformKernel, // Go and systemd, from Linux 5.3

	"arch_prctl":      platformLibc,
	"brk":             platformLibc,
	"getrandom":       platformLibc,
	"getrlimit":       platformLibc,
	"gettid":          platformLibc,
	"madvise":         platformLibc,
	"mremap":          platformLibc,
	"set_robust_list": platformLibc,
	"set_tid_address": platformLibc,
	"fadvise64":       platformLibc,

	"futex":       platformTiming,
	"membarrier":  platformTiming,
	"nanosleep":   platformTiming,
	"sched_yield": platformTiming,
	"tkill":       platformTiming, // Go preempts threads with it

	"getcpu":            platformMachine,
	"sched_getaffinity": platformMachine,
	"sysinfo":           platformMachine,
	"uname":             platformMachine,
}

// runtimeCalls are the calls of runc and crun in a container before its program starts.
var runtimeCalls = []string{
	"capset", "chroot", "keyctl", "mount", "sethostname", "setns", "unshare", "setsid", "seccomp",
}

// platformFiles are patterns of files by the difference they make. Only
// reading them is harmless.
var platformFiles = []struct{ pattern, difference string }{
	{"/proc/cpuinfo", platformMachine},
	{"/proc/meminfo", platformMachine},
	{"/proc/stat", platformMachine},
	{"/proc/loadavg", platformMachine},
	{"/proc/⋯/cgroup", platformMachine},
	{"/proc/⋯/mountinfo", platformMachine},
	{"/proc/⋯/mounts", platformMachine},
	{"/proc/⋯/limits", platformMachine},
	{"/sys/devices/system/cpu/*", platformMachine},
	{"/sys/devices/system/node/*", platformMachine},
	{"/sys/fs/cgroup/*", platformMachine},
	{"/proc/filesystems", platformKernel},
	{"/proc/version", platformKernel},
	{"/proc/sys/kernel/osrelease", platformKernel},
	{"/proc/sys/kernel/cap_last_cap", platformKernel},
	{"/proc/sys/kernel/ngroups_max", platformKernel},
	{"/proc/sys/net/core/somaxconn", platformKernel},
	{"/proc/sys/vm/overcommit_memory", platformKernel},
	{"/proc/sys/vm/max_map_count", platformKernel},
	{"/proc/sys/crypto/fips_enabled", platformKernel},
	{"/sys/kernel/mm/transparent_hugepage/*", platformKernel},
	{"/etc/ld.so.cache", platformLibc},
	{"/etc/nsswitch.conf", platformLibc},
	{"/etc/host.conf", platformLibc},
	{"/etc/gai.conf", platformLibc},
	{"/etc/resolv.conf", platformLibc},
	{"/etc/localtime", platformLibc},
	{"/etc/locale.alias", platformLibc},
	{"/usr/share/locale/*", platformLibc},
	{"/usr/share/zoneinfo/*", platformLibc},
	{"/usr/lib/locale/*", platformLibc},
	{"/usr/lib/⋯/gconv/gconv-modules.cache", platformLibc},
}

var platformMatcher = newPlatformMatcher()

func newPlatformMatcher() map[string]*match.Matcher {
	byDifference := make(map[string]*profile.Container)
	for _, file := range platformFiles {
		if byDifference[file.difference] == nil {
			byDifference[file.difference] = &profile.Container{}
		}
		c := byDifference[file.difference]
		c.Opens = append(c.Opens, profile.Open{Path: file.pattern, Flags: []string{"O_RDONLY"}})
	}
	matchers := make(map[string]*match.Matcher)
	for difference, c := range byDifference {
		m, err := match.Compile([]profile.Container{*c}, match.Options{Arch: defaultArch, MergedUsr: true})
		if err != nil {
			panic(err) // the architecture is unknown
		}
		matchers[difference] = m
	}
	return matchers
}

// platformOf names the difference between platforms that a finding looks like; "" if it
// looks like none. An act with a severity above low is never such a difference.
func (t *Trial) platformOf(f *finding) string {
	if f.Severity > severity.Low {
		return ""
	}
	for arch, names := range f.entry.Syscalls {
		if len(names) == 0 || syscalls.Compat(arch) == "" {
			return "" // 32-bit calls are no matter of platforms
		}
		return platformCalls[syscalls.Family(names[0])]
	}
	for _, open := range f.entry.Opens {
		if difference := platformFile(open); difference != "" {
			return difference
		}
		if t.hasLibrary(f.entry, open) {
			return platformLibrary
		}
	}
	return ""
}

func platformFile(open profile.Open) string {
	if accessOf(open.Flags)&event.AccessWrite != 0 {
		return ""
	}
	for _, difference := range []string{platformKernel, platformLibc, platformMachine} {
		if platformMatcher[difference].Open([]byte(open.Path), event.AccessRead) == match.Allowed {
			return difference
		}
	}
	return ""
}

// hasLibrary reports whether the open reads another release of a library that
// the document lists for the container.
func (t *Trial) hasLibrary(c *profile.Container, open profile.Open) bool {
	stem := libraryStem(open.Path)
	if stem == "" || accessOf(open.Flags)&event.AccessWrite != 0 {
		return false
	}
	for _, d := range t.Document.Spec.Containers {
		if d.Type != c.Type || d.Name != c.Name && d.Name != "" {
			continue
		}
		if slices.ContainsFunc(d.Opens, func(o profile.Open) bool { return libraryStem(o.Path) == stem }) {
			return true
		}
	}
	return false
}

var libraryPlaces = []string{"/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/"}

// libraryStem returns libssl for /usr/lib/x86_64-linux-gnu/libssl.so.3, and "" for a
// file that is no library of the system.
func libraryStem(file string) string {
	inPlace := slices.ContainsFunc(libraryPlaces, func(place string) bool { return strings.HasPrefix(file, place) })
	stem, _, isLibrary := strings.Cut(path.Base(file), ".so")
	if !inPlace || !isLibrary {
		return ""
	}
	if strings.HasPrefix(stem, "ld-") {
		return "ld" // the loader, named by architecture
	}
	if i := strings.LastIndexByte(stem, '-'); i > 0 && strings.ContainsAny(stem[i:], "0123456789") {
		stem = stem[:i] // libc-2.31.so
	}
	return stem
}
