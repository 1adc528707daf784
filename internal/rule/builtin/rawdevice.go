package builtin

import (
	"bobwatch/internal/rule"
)

// rawDevice: a process that reads a disk or the memory can read every file, no matter its
// permissions.
var rawDevice = Rule{
	ID:    rule.RawDevice,
	About: "an open of a disk or a partition below `/dev`, `/dev/mem`, `/dev/kmem`, `/dev/port`, `/proc/kcore` by a container with an image",
	Blind: "a device file with another name, as `mknod` makes it",
	Kinds: opens,
	Broken: func(a Act) bool {
		path := a.Event.Path
		return a.Container.Image && a.Event.Access != 0 && (is(path, machineMemory...) || isDisk(path))
	},
}

var machineMemory = []string{"/dev/mem", "/dev/kmem", "/dev/port", "/proc/kcore", "/proc/kmem", "/dev/kcore"}

// disks are how the names of block devices begin; a digit, or a letter and digits, follow.
var disks = []string{"sd", "vd", "xvd", "hd", "nvme", "mmcblk", "dm-", "md", "loop", "nbd", "sr", "mapper/", "disk/", "block/"}

func isDisk(path []byte) bool {
	const devices = "/dev/"
	if !below(path, devices) {
		return false
	}
	for _, disk := range disks {
		if !below(path[len(devices):], disk) {
			continue
		}
		switch next := path[len(devices)+len(disk)]; {
		case disk[len(disk)-1] == '/', '0' <= next && next <= '9':
			return true
		case len(disk) <= 3 && 'a' <= next && next <= 'z' && disk != "md" && disk != "sr" && disk != "nbd":
			return true
		}
	}
	return false
}
