package builtin

import (
	"bobwatch/internal/rule"
)

// kernelLayout: an exploit of the kernel needs its addresses and its debugging files.
var kernelLayout = Rule{
	ID:    rule.KernelLayout,
	About: "an open of `/proc/kallsyms`, `/proc/sched_debug`, `/proc/iomem`, `/sys/kernel/debug` or `/boot` and the like by a container with an image",
	Blind: "addresses that the kernel leaks in other ways",
	Kinds: opens,
	Broken: func(a Act) bool {
		return a.Container.Image && a.Event.Access != 0 && (is(a.Event.Path, kernelMaps...) || belowAny(a.Event.Path, kernelDirectories))
	},
}

var kernelMaps = []string{
	"/proc/kallsyms", "/proc/sched_debug", "/proc/timer_list", "/proc/iomem", "/proc/ioports", "/proc/kpagecount",
	"/proc/kpageflags", "/proc/slabinfo", "/proc/vmallocinfo", "/proc/keys", "/proc/kmsg", "/dev/kmsg",
}

var kernelDirectories = []string{"/sys/kernel/debug/", "/boot/", "/sys/firmware/efi/efivars/"}
