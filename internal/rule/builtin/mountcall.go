package builtin

import (
	"bobwatch/internal/rule"
)

// mountCall: a container that may mount can mount the node's disk.
var mountCall = Rule{
	ID:    rule.MountCall,
	About: "`mount`, `move_mount`, `fsopen`, `fsmount`, `open_tree` by a container with an image",
	Blind: "which file system: the arguments are not read",
	Kinds: calls,
	Calls: []string{"mount", "move_mount", "fsopen", "fsmount", "open_tree", "mount_setattr"},
	Broken: func(a Act) bool {
		return a.Container.Image
	},
}
