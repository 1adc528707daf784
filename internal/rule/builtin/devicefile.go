package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// deviceFile: nobody looks for programs and loot below /dev.
var deviceFile = Rule{
	ID:    rule.DeviceFile,
	About: "an open that makes a file below `/dev`, outside of `/dev/shm`, `/dev/mqueue`, `/dev/pts`, by a container with an image",
	Blind: "files that are moved there",
	Kinds: opens,
	Broken: func(a Act) bool {
		e := a.Event
		return a.Container.Image && e.Has(event.FlagCreated) && below(e.Path, "/dev/") && !belowAny(e.Path, sharedDevices)
	},
}

var sharedDevices = []string{"/dev/shm/", "/dev/mqueue/", "/dev/pts/", "/dev/hugepages/"}
