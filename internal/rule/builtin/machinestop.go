package builtin

import (
	"bobwatch/internal/rule"
)

// machineStop: it ends everything that runs on the node.
var machineStop = Rule{
	ID:    rule.MachineStop,
	About: "`reboot`, `kexec_load`, `kexec_file_load` by a container with an image, whether or not the kernel lets it",
	Blind: "a stop through the service manager's socket, which BW009 reports",
	Kinds: calls,
	Calls: []string{"reboot", "kexec_load", "kexec_file_load"},
	Broken: func(a Act) bool {
		return a.Container.Image
	},
}
