package builtin

import (
	"bobwatch/internal/rule"
)

// kernelSetting: the kernel starts the program that such a file names, as root of the node.
var kernelSetting = Rule{
	ID:    rule.KernelSetting,
	About: "an open for writing of `core_pattern`, `modprobe`, `sysrq-trigger`, `binfmt_misc/register`, `uevent_helper`, `release_agent` and the like by a container with an image",
	Blind: "a setting that is reached through another mount of proc or sysfs below a directory of another name",
	Kinds: opens,
	Broken: func(a Act) bool {
		return a.Container.Image && writes(a.Event) && (is(a.Event.Path, kernelSettings...) || ends(a.Event.Path, kernelSettingEnds...))
	},
}

var kernelSettings = []string{
	"/proc/sysrq-trigger", "/proc/sys/kernel/sysrq", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hotplug",
	"/proc/sys/kernel/poweroff_cmd", "/proc/sys/fs/binfmt_misc/register", "/proc/sys/kernel/usermodehelper/bset", "/sys/kernel/uevent_helper",
}

// kernelSettingEnds are for a proc or sysfs that is mounted elsewhere.
var kernelSettingEnds = []string{
	"/sys/kernel/core_pattern", "/sys/kernel/modprobe", "/binfmt_misc/register", "/kernel/uevent_helper", "/release_agent", "/sysrq-trigger",
}
